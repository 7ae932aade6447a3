import type { Severity } from '$lib/api/schema';

/**
 * What a node answered. It was made at a client, and hosts wrote its texts: nothing of it can be relied on. What is missing, or is
 * not what it should be, is left empty; nothing here throws.
 */
type Thing = Record<string, unknown>;

/** Some of what there is. */
export interface Items<T> {
  items: T[];
  /** How many there are at the client, as far as it said. */
  total: number;
  /** True if more were found than were sent. */
  cut: boolean;
}

function thing(value: unknown): Thing {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Thing) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** A number, or a text that is one; null for anything else. */
function figure(value: unknown): number | null {
  if (typeof value === 'string' && value.trim() === '') return null;
  const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : NaN;
  return Number.isFinite(number) ? number : null;
}

/** A count: whole, not below nothing. */
function count(value: unknown): number {
  return Math.max(0, Math.trunc(figure(value) ?? 0));
}

function texts(value: unknown): string[] {
  return list(value)
    .map(text)
    .filter((each) => each !== '');
}

/** One of the four severities, however it is written; null for another word. */
export function severityOf(word: string): Severity | null {
  const low = word.trim().toLowerCase();
  return low === 'critical' || low === 'high' || low === 'medium' || low === 'low' ? low : null;
}

/** Severest first; what has no severity last. */
function bySeverity(a: string, b: string): number {
  const order = ['critical', 'high', 'medium', 'low'];
  const at = (word: string) => (order.indexOf(word.trim().toLowerCase()) + 5) % 5;
  return at(a) - at(b);
}

function items<T>(answer: unknown, read: (item: Thing) => T): Items<T> {
  const { items: found, total, cut } = thing(answer);
  const all = list(found).map((item) => read(thing(item)));
  return { items: all, total: Math.max(count(total), all.length), cut: cut === true || count(total) > all.length };
}

export interface Hardware {
  system: string;
  cpu: string;
  cores: number | null;
  memory: number | null;
  board: string;
}

export function hardware(answer: unknown): Hardware {
  const of = thing(answer);
  return {
    system: text(of.system),
    cpu: text(of.cpu),
    cores: figure(of.cores),
    memory: figure(of.memory_bytes),
    board: text(of.board_serial),
  };
}

export const ports = (answer: unknown) =>
  items(answer, (of) => ({
    protocol: text(of.protocol),
    address: text(of.address),
    port: figure(of.port),
    remoteAddress: text(of.remote_address),
    remotePort: figure(of.remote_port),
    state: text(of.state),
    process: text(of.process),
    pid: figure(of.pid),
  }));

export const packages = (answer: unknown) =>
  items(answer, (of) => ({
    name: text(of.name),
    version: text(of.version),
    vendor: text(of.vendor),
    architecture: text(of.architecture),
    format: text(of.format),
  }));

export const users = (answer: unknown) =>
  items(answer, (of) => ({
    name: text(of.name),
    id: text(of.id),
    groups: texts(of.groups),
    shell: text(of.shell),
    home: text(of.home),
    lastLogin: text(of.last_login),
  }));

export const processes = (answer: unknown) =>
  items(answer, (of) => ({
    pid: figure(of.pid),
    name: text(of.name),
    command: text(of.command),
    user: text(of.user),
    state: text(of.state),
    started: text(of.started),
  }));

export const policies = (answer: unknown) =>
  items(answer, (of) => ({
    policy: text(of.policy),
    id: text(of.id),
    pass: count(of.pass),
    fail: count(of.fail),
    invalid: count(of.invalid),
    total: count(of.total),
    /** Of a hundred. */
    score: figure(of.score),
    at: text(of.at),
    failed: list(of.failed).map((each) => {
      const check = thing(each);
      return { id: text(check.id), title: text(check.title), remediation: text(check.remediation) };
    }),
  }));

export type Policy = ReturnType<typeof policies>['items'][number];

export interface Vulnerabilities extends Items<ReturnType<typeof vulnerability>> {
  counts: Record<Severity | 'other', number>;
}

function vulnerability(of: Thing) {
  return {
    cve: text(of.cve),
    severity: text(of.severity),
    score: figure(of.score),
    package: text(of.package),
    version: text(of.version),
    detected: text(of.detected),
    reference: text(of.reference),
    title: text(of.title),
  };
}

export function vulnerabilities(answer: unknown): Vulnerabilities {
  const counts = thing(thing(answer).counts);
  const all = items(answer, vulnerability);
  return {
    ...all,
    items: all.items.toSorted((a, b) => bySeverity(a.severity, b.severity) || (b.score ?? 0) - (a.score ?? 0)),
    counts: {
      critical: count(counts.critical),
      high: count(counts.high),
      medium: count(counts.medium),
      low: count(counts.low),
      other: count(counts.other),
    },
  };
}

export interface Verdict {
  alert: boolean;
  rule: { id: string; level: number | null; description: string; groups: string[] } | null;
  decoder: string;
  messages: string[];
  output: unknown;
}

export function verdict(answer: unknown): Verdict {
  const of = thing(answer);
  const rule = thing(of.rule);
  const known = text(rule.id) !== '' || text(rule.description) !== '';
  return {
    alert: of.alert === true,
    rule: known
      ? {
          id: text(rule.id),
          level: figure(rule.level),
          description: text(rule.description),
          groups: texts(rule.groups),
        }
      : null,
    decoder: text(of.decoder),
    messages: texts(of.messages),
    output: of.output,
  };
}

export function rules(answer: unknown): { file: string; text: string } {
  const of = thing(answer);
  return { file: text(of.file), text: text(of.text) };
}

export const vulnerable = (answer: unknown) =>
  items(answer, (of) => ({
    agent: text(of.agent),
    name: text(of.name),
    package: text(of.package),
    version: text(of.version),
    severity: text(of.severity),
    score: figure(of.score),
    detected: text(of.detected),
  }));
