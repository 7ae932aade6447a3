import type { AlertDetail } from '$lib/api/schema';
import { duration, number } from '$lib/figures.svelte';
import { m } from '$lib/paraglide/messages';
import { endpoint, shorten, visible } from '$lib/text';

/** What happened, in one sentence. */
export function sentence(detail: AlertDetail): string {
  const name = (text: string | null | undefined, most = 60) => shorten(visible(text ?? ''), most);
  const node = name(detail.node_name);
  const client = name(detail.client_name);
  const from = name(detail.source_ip);
  const to = name(endpoint(detail.destination_ip, detail.destination_port));
  const host = name(detail.host);
  const user = name(detail.user);
  let what;
  if (detail.module === 'socme') what = m.sentence_socme({ client });
  else if (detail.module === 'suricata' && from && to) what = m.sentence_traffic({ from, to, node, client });
  else if (host && user && from) what = m.sentence_host_user_from({ host, user, from, node, client });
  else if (host && user) what = m.sentence_host_user({ host, user, node, client });
  else if (host && from) what = m.sentence_host_from({ host, from, node, client });
  else if (host) what = m.sentence_host({ host, node, client });
  else if (from && to) what = m.sentence_traffic({ from, to, node, client });
  else what = m.sentence_other({ node, client });
  if (detail.count <= 1) return what;
  const seconds = Math.round((new Date(detail.last).getTime() - new Date(detail.time).getTime()) / 1000);
  const times = m.sentence_times({ count: number(detail.count), duration: duration(Math.max(0, seconds)) });
  return `${what} ${seconds > 0 ? times : m.sentence_times_at_once({ count: number(detail.count) })}`;
}
