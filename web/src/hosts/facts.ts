import type { WatchedHost } from '$lib/api/schema';
import { ago, exactTime } from '$lib/figures.svelte';
import { m } from '$lib/paraglide/messages';
import type { Fact } from '$lib/ui/facts';

/** What is known of a host without asking for it. */
export function hostFacts(host: WatchedHost, looked: string | null | undefined, now: number): Fact[] {
  const facts: Fact[] = [];
  const text = (name: string, value: string | null | undefined) => {
    if (value) facts.push({ name, value });
  };
  const time = (name: string, at: string | null | undefined) => {
    if (at) facts.push({ name, value: ago(at, now), hover: exactTime(at) });
  };
  time(m.host_since(), host.since);
  time(m.host_seen(), host.state === 'active' ? looked : host.seen);
  text(m.entity_address(), host.address);
  text(m.host_system(), host.system ?? host.platform);
  text(m.host_architecture(), host.architecture);
  facts.push({
    name: m.host_version(),
    value: host.behind ? `${host.version ?? '–'} ↓ ${m.host_behind()}` : (host.version ?? '–'),
    hover: host.behind ? m.host_behind_hover() : undefined,
  });
  text(m.host_manager(), host.manager);
  time(m.host_registered(), host.registered);
  facts.push({ name: m.host_agent_id(), value: host.agent });
  return facts;
}
