import type { AlertDetail, Endpoint } from '$lib/api/schema';

export interface AlertField {
  /** Its name in the Elastic Common Schema, or ours where that has none. */
  name: string;
  value: string;
  /** The field of the query language that finds it; null for free text; undefined where a search makes no sense. */
  query?: string | null;
  kind?: 'time' | 'bytes' | 'count' | 'link';
}

type Raw = string | number | null | undefined;

/** Every normalised field that the alert has, in reading order. */
export function fieldsOf(detail: AlertDetail): AlertField[] {
  const { alert } = detail;
  const found: AlertField[] = [];
  const add = (name: string, value: Raw, query?: string | null, kind?: AlertField['kind']) => {
    if (value !== null && value !== undefined && value !== '') found.push({ name, value: String(value), query, kind });
  };
  const end = (name: 'source' | 'destination', value: Endpoint | null | undefined) => {
    add(`${name}.ip`, value?.ip, 'ip');
    add(`${name}.port`, value?.port);
    add(`${name}.domain`, value?.domain, null);
  };

  add('event.severity', detail.severity, 'severity');
  add('event.module', detail.module, 'source');
  add('rule.name', alert.rule.name, null);
  add('rule.id', alert.rule.id, 'rule');
  add('rule.version', alert.rule.version);
  add('rule.category', alert.rule.category, null);
  for (const group of alert.rule.groups ?? []) add('rule.ruleset', group);
  for (const link of alert.rule.references ?? []) add('rule.reference', link, undefined, 'link');
  for (const technique of alert.threat?.techniques ?? []) add('threat.technique.id', technique);
  for (const tactic of alert.threat?.tactics ?? []) add('threat.tactic.name', tactic);
  add('message', alert.message, null);
  end('source', alert.source);
  end('destination', alert.destination);
  add('network.transport', alert.network?.transport);
  add('network.protocol', alert.network?.protocol);
  add('event.action', alert.network?.action);
  add('network.community_id', alert.network?.community_id);
  add('suricata.flow_id', alert.network?.flow);
  add('observer.ingress.interface.name', alert.network?.interface);
  for (const domain of alert.domains ?? []) add('dns.question.name', domain, null);
  add('url.original', alert.url, null);
  add('host.name', alert.host?.name, 'host');
  add('host.ip', alert.host?.ip, 'ip');
  add('host.id', alert.host?.id);
  add('user.name', alert.user?.name, 'user');
  add('user.domain', alert.user?.domain, null);
  add('process.executable', alert.process?.executable, null);
  add('process.command_line', alert.process?.command_line, null);
  add('process.pid', alert.process?.pid);
  add('process.parent.executable', alert.process?.parent, null);
  add('process.parent.command_line', alert.process?.parent_command_line, null);
  add('process.parent.pid', alert.process?.parent_pid);
  add('registry.path', alert.registry, null);
  add('file.path', alert.file?.path, null);
  add('file.size', alert.file?.size, undefined, 'bytes');
  add('file.hash.md5', alert.file?.md5, 'hash');
  add('file.hash.sha1', alert.file?.sha1, 'hash');
  add('file.hash.sha256', alert.file?.sha256, 'hash');
  add('log.file.path', alert.location, null);
  add('@timestamp', alert.time, undefined, 'time');
  add('socme.last', alert.last, undefined, 'time');
  add('event.created', alert.seen, undefined, 'time');
  add('event.ingested', detail.arrived, undefined, 'time');
  add('socme.count', detail.count, undefined, 'count');
  add('socme.fold', alert.fold);
  for (const witness of detail.witnesses) add('socme.witness', witness);
  add('organization.name', detail.client_name);
  add('observer.name', detail.node_name, 'node');
  add('event.id', detail.id);
  return found;
}

/** The field of the query language that finds an entity of this kind; null for free text. */
export function entityField(kind: string): string | null {
  if (kind === 'address') return 'ip';
  if (kind === 'account') return 'user';
  return kind === 'hash' ? 'hash' : null;
}

/** A web address that may become a link: a rule's references are written by strangers. */
export function safeLink(value: string): string | null {
  const text = /^[a-z]+:/i.test(value) ? value : `https://${value}`;
  try {
    const url = new URL(text);
    return ['http:', 'https:'].includes(url.protocol) && url.hostname.includes('.') ? url.href : null;
  } catch {
    return null;
  }
}
