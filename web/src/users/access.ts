import type { Access, AccessToClient } from '$lib/api/schema';
import { m } from '$lib/paraglide/messages';
import { visible } from '$lib/text';
import { roleWord } from '$lib/words';
import { clients } from '../clients/clients.svelte';

export type Duty = 'viewer' | 'analyst';

/** What somebody may do, as it is being chosen. */
export interface AccessDraft {
  kind: 'admin' | 'all' | 'chosen';
  everywhere: Duty;
  /** By client; counts where it is more than `everywhere`. */
  clients: Record<number, Duty>;
}

export function draftOf(access: Access): AccessDraft {
  const kind = access.admin ? 'admin' : access.everywhere ? 'all' : 'chosen';
  const given = access.clients.map(({ client, role }) => [client, role as Duty] as const);
  return { kind, everywhere: (access.everywhere as Duty | null) ?? 'viewer', clients: Object.fromEntries(given) };
}

export function accessOf({ kind, everywhere, clients: given }: AccessDraft): Access {
  if (kind === 'admin') return { admin: true, everywhere: null, clients: [] };
  const all = Object.entries(given).map(([client, role]): AccessToClient => ({ client: Number(client), role }));
  if (kind === 'chosen') return { admin: false, everywhere: null, clients: all };
  // Beside «all clients» only those count where it is more.
  const more = everywhere === 'viewer' ? all.filter(({ role }) => role === 'analyst') : [];
  return { admin: false, everywhere, clients: more };
}

/** Each thing that somebody was given, in words: «all clients: viewer», «Client A: analyst». */
export function givenWords(access: Access): string[] {
  if (access.admin) return [m.given_admin()];
  const all = access.everywhere ? [m.given_all({ role: roleWord(access.everywhere) })] : [];
  const each = access.clients
    .map(({ client, role }) => ({ client: visible(clients.nameOf(client)), role: roleWord(role) }))
    .sort((a, b) => a.client.localeCompare(b.client))
    .map((given) => m.given_client(given));
  const words = [...all, ...each];
  return words.length ? words : [m.given_nothing()];
}
