import type { HostState } from '$lib/api/schema';
import { m } from '$lib/paraglide/messages';

/** Which hosts, as the address has it; what is empty does not matter. */
export interface Filter {
  client: string;
  node: string;
  state: string;
  platform: string;
  group: string;
  version: string;
  behind: string;
  text: string;
}

export const NAMES = ['client', 'node', 'state', 'platform', 'group', 'version', 'behind', 'text'] as const;

export const STATES: HostState[] = ['active', 'disconnected', 'pending', 'never_connected'];

/** A filter as the API wants it; what it would not take is left out. */
export function asked(filter: Filter) {
  const id = (text: string) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined);
  return {
    client: id(filter.client),
    node: id(filter.node),
    state: STATES.find((state) => state === filter.state),
    platform: filter.platform || undefined,
    group: filter.group || undefined,
    version: filter.version || undefined,
    behind: filter.behind === '1' || undefined,
    text: filter.text || undefined,
  };
}

export function hostStateWord(state: string): string {
  const words: Record<HostState, () => string> = {
    active: m.host_active,
    disconnected: m.host_disconnected,
    pending: m.host_pending,
    never_connected: m.host_never_connected,
  };
  return words[state as HostState]?.() ?? state;
}
