import type { WazuhStatus } from '$lib/api/schema';
import { count, exactTime, number, percent } from '$lib/figures.svelte';
import { m } from '$lib/paraglide/messages';
import type { Fact } from '$lib/ui/facts';
import { daysUntil } from './facts';

/** Days before its end at which a manager's certificate is worth a look: nobody renews it but people. */
const CERTIFICATE_DAYS = 30;
/** How full a queue may be before it is said. */
const FULL = 0.8;

/** What a Wazuh manager says of itself. */
export function managerFacts(wazuh: WazuhStatus, now: number): Fact[] {
  const facts: Fact[] = [{ name: m.node_version(), value: wazuh.version ?? '–' }];
  if (wazuh.hostname) facts.push({ name: m.entity_name(), value: wazuh.hostname });
  facts.push({ name: m.manager_url(), value: wazuh.url });
  if (wazuh.cluster) facts.push({ name: m.manager_cluster(), value: wazuh.cluster });
  const dropped = wazuh.dropped ?? 0;
  const queue = wazuh.queue ?? 0;
  facts.push(
    { name: m.node_events_rate(), value: wazuh.events_per_second == null ? '–' : number(wazuh.events_per_second, 1) },
    { name: m.manager_dropped(), value: count(dropped), bad: dropped > 0 },
    {
      name: m.manager_queue(),
      value: percent(queue),
      hover: wazuh.queue_name ?? undefined,
      bad: queue > FULL,
    },
  );
  if (wazuh.certificate_end) {
    const days = daysUntil(wazuh.certificate_end, now);
    facts.push({
      name: m.node_certificate(),
      value: days < 0 ? m.manager_certificate_ended() : m.in_days({ n: days }),
      hover: exactTime(wazuh.certificate_end),
      bad: days < CERTIFICATE_DAYS,
    });
  }
  if (wazuh.indexer) facts.push({ name: m.manager_indexer(), value: wazuh.indexer, bad: !!wazuh.indexer_error });
  return facts;
}
