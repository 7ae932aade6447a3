/** The HTTP API as agreed, in the form that openapi-typescript generates: replaced by its output once the core publishes `web/openapi.json`. */
export type Severity = 'low' | 'medium' | 'high' | 'critical';
export type Source = 'suricata' | 'wazuh' | 'socme';
export type AlertState = 'open' | 'acknowledged' | 'closed';
export type NodeState = 'pending' | 'online' | 'late' | 'offline' | 'disabled' | 'revoked';

export interface Me {
  id: number;
  name: string;
  role: 'admin' | 'analyst' | 'viewer' | 'guest';
  language?: 'en' | 'fr' | null;
  theme?: 'light' | 'dark' | null;
  time_zone?: string | null;
}
export interface Client {
  id: number;
  name: string;
  slug: string;
  notes: string;
  time_zone: string;
  contacts: string;
  builtin: boolean;
  nodes: number;
  open_alerts: number;
  created: string;
}
export interface Token {
  id: number;
  created: string;
  created_by: string;
  expires: string;
  used?: string | null;
}
export interface SourceStatus {
  module: Source;
  path: string;
  state: 'live' | 'behind' | 'missing' | 'failed' | 'paused';
  lag_bytes: number;
  lag_seconds: number;
  events: number;
  alerts: number;
  last_event?: string | null;
  bad_lines: number;
  bad_sample?: string | null;
  long_lines: number;
  gaps: number;
  error?: string | null;
}
export interface Status {
  now: string;
  version: string;
  started: string;
  sources: Record<string, SourceStatus>;
  spool: {
    depth: number;
    bytes: number;
    limit: number;
    age_seconds: number;
    refused: number;
    refused_why?: string | null;
    error?: string | null;
  };
  uplink: {
    connected: boolean;
    address?: string | null;
    last_answer?: string | null;
    skew_seconds: number;
    error?: string | null;
  };
  suricata?: {
    time?: string | null;
    uptime: number;
    packets: number;
    drops: number;
    drop_share: number;
    rules_loaded: number;
    rules_failed: number;
  } | null;
  machine: {
    cpu: number;
    memory_used: number;
    memory_total: number;
    memory_node: number;
    disk_used: number;
    disk_total: number;
    temperature?: number | null;
    uptime: number;
  };
  events_per_second: number;
  alerts_per_second: number;
  certificate_end: string;
  policy?: string[];
}
export interface Node {
  id: number;
  client: number;
  client_name: string;
  name: string;
  hostname: string;
  site: string;
  contact: string;
  mirror_port: string;
  notes: string;
  state: NodeState;
  blind?: 'partly' | 'blind' | null;
  blind_why?: string | null;
  last_heard?: string | null;
  enrolled?: string | null;
  version?: string | null;
  certificate_end?: string | null;
  skew_seconds?: number | null;
  status?: Status | null;
  position_number: number;
  lost: { from: number; to: number; why: string; at: string }[];
}
export interface AlertRow {
  id: string;
  client: number;
  client_name: string;
  node?: number | null;
  node_name: string;
  module: Source;
  rule_id: string;
  rule_name: string;
  severity: Severity;
  state: AlertState;
  time: string;
  arrived: string;
  last: string;
  count: number;
  late_seconds: number;
  time_flag?: 'future' | 'past' | null;
  source_ip?: string | null;
  source_port?: number | null;
  destination_ip?: string | null;
  destination_port?: number | null;
  host?: string | null;
  user?: string | null;
  domain?: string | null;
  message?: string | null;
  fold: 'full' | 'address' | 'rule';
  has_raw: boolean;
}
export interface Endpoint {
  ip?: string | null;
  port?: number | null;
  domain?: string | null;
}
export interface Sample {
  time: string;
  source?: Endpoint | null;
  destination?: Endpoint | null;
  raw?: string;
}
export interface Alert {
  module: Source;
  rule: {
    id: string;
    version?: number | null;
    name: string;
    category?: string | null;
    groups?: string[];
    references?: string[];
  };
  severity: Severity;
  time: string;
  seen: string;
  count: number;
  last: string;
  message?: string | null;
  threat?: { techniques?: string[]; tactics?: string[] };
  host?: { id?: string | null; name?: string | null; ip?: string | null } | null;
  source?: Endpoint | null;
  destination?: Endpoint | null;
  network?: {
    transport?: string | null;
    protocol?: string | null;
    flow?: string | null;
    community_id?: string | null;
    interface?: string | null;
    action?: string | null;
  };
  user?: { name: string; domain?: string | null } | null;
  process?: {
    executable?: string | null;
    command_line?: string | null;
    pid?: number | null;
    parent?: string | null;
  } | null;
  file?: {
    path?: string | null;
    size?: number | null;
    md5?: string | null;
    sha1?: string | null;
    sha256?: string | null;
  } | null;
  domains?: string[];
  url?: string | null;
  location?: string | null;
  fold: 'full' | 'address' | 'rule';
  samples?: Sample[];
}
export interface Entity {
  kind: 'address' | 'name' | 'account' | 'hash';
  value: string;
}
export interface HistoryEntry {
  at: string;
  who: string;
  action: 'arrived' | 'acknowledged' | 'closed' | 'reopened' | 'commented';
  comment?: string | null;
}
export interface AlertDetail extends AlertRow {
  alert: Alert;
  raw?: { text: string; cut: { field: string; bytes: number }[] } | null;
  entities: Entity[];
  history: HistoryEntry[];
}
export interface AlertList {
  alerts: AlertRow[];
  next?: string | null;
  searched_to?: string | null;
  new_cursor?: string | null;
}
export interface Bucket {
  start: string;
  low: number;
  medium: number;
  high: number;
  critical: number;
}
export interface Histogram {
  from: string;
  to: string;
  step_seconds: number;
  buckets: Bucket[];
  exact?: boolean;
  ignored?: string[];
}
export interface FacetValue {
  value: string;
  count: number;
  name?: string | null;
}
export interface Facets {
  severity: FacetValue[];
  client: FacetValue[];
  source: FacetValue[];
  state: FacetValue[];
  rule: FacetValue[];
  node: FacetValue[];
}
export interface AlertRef {
  client: number;
  id: string;
}
export interface ActionResult {
  changed: (AlertRef & { state: AlertState })[];
  unchanged: AlertRef[];
}
export interface Health {
  version: string;
  now: string;
  uptime_seconds: number;
  disk: { free: number; total: number };
  database: { bytes: number; wal_bytes: number; alerts: number; bytes_per_alert: number };
  queues: { ingest: number; jobs: number; text_behind: number };
  slow_queries: { what: string; count: number; p50_ms: number; p95_ms: number; max_ms: number; last: string }[];
  certificates: { name: string; end: string; days: number }[];
  ingest: { alerts_per_second: number; batches: number; refused: number };
  retention: { max_age_days: number; max_bytes: number; oldest_alert?: string | null };
  warnings: { what: string; mend: string }[];
}
export interface AuditEntry {
  id: number;
  at: string;
  who: string;
  action: string;
  subject: string;
  detail: string;
}
export interface ProblemBody {
  type?: string;
  title: string;
  status: number;
  detail?: string | null;
  field?: string | null;
  id?: string | null;
  start?: number | null;
  end?: number | null;
}
export interface QueryParse {
  ok: boolean;
  tree?: unknown;
  error?: { message: string; start: number; end: number; mend: string } | null;
}
export interface QueryCompletion {
  start: number;
  end: number;
  suggestions: { text: string; description: string }[];
}

type Answer<T> = {
  responses: {
    200: { headers: { [name: string]: unknown }; content: { 'application/json': T } };
    default: { headers: { [name: string]: unknown }; content: { 'application/problem+json': ProblemBody } };
  };
};
type Op<T, P = { query?: never; header?: never; path?: never; cookie?: never }, B = never> = Answer<T> & {
  parameters: P;
  requestBody?: [B] extends [never] ? never : { content: { 'application/json': B } };
};
type Query<Q> = { query?: Q; header?: never; path?: never; cookie?: never };
type InPath<P> = { query?: never; header?: never; path: P; cookie?: never };
type Id = InPath<{ id: number }>;

export interface paths {
  '/api/v1/setup': {
    get: Op<{ needed: boolean }>;
    post: Op<Me, Query<never>, { token: string; name: string; passphrase: string }>;
  };
  '/api/v1/session': {
    post: Op<Me, Query<never>, { name: string; passphrase: string }>;
    delete: Op<undefined>;
  };
  '/api/v1/session/link': { post: Op<Me, Query<never>, { token: string }> };
  '/api/v1/me': {
    get: Op<Me>;
    patch: Op<Me, Query<never>, Partial<Pick<Me, 'language' | 'theme' | 'time_zone'>>>;
  };
  '/api/v1/clients': {
    get: Op<{ clients: Client[] }>;
    post: Op<Client, Query<never>, { name: string; notes?: string; time_zone?: string; contacts?: string }>;
  };
  '/api/v1/clients/{id}': {
    get: Op<Client, Id>;
    patch: Op<Client, Id, { name?: string; notes?: string; time_zone?: string; contacts?: string }>;
    delete: Op<undefined, Id, { confirm: string }>;
  };
  '/api/v1/clients/{id}/tokens': {
    get: Op<{ tokens: Token[] }, Id>;
    post: Op<{ token: string; expires: string; command: string }, Id, { valid_hours?: number }>;
  };
  '/api/v1/clients/{id}/tokens/{token_id}': { delete: Op<undefined, InPath<{ id: number; token_id: number }>> };
  '/api/v1/nodes': { get: Op<{ nodes: Node[] }, Query<{ client?: number }>> };
  '/api/v1/nodes/{id}': {
    get: Op<Node, Id>;
    patch: Op<
      Node,
      Id,
      { name?: string; site?: string; contact?: string; mirror_port?: string; notes?: string; disabled?: boolean }
    >;
    delete: Op<undefined, Id, { confirm: string }>;
  };
  '/api/v1/nodes/{id}/revoke': { post: Op<Node, Id> };
  '/api/v1/nodes/{id}/consequences': {
    get: Op<{ alerts: number; first?: string | null; last?: string | null }, Id>;
  };
  '/api/v1/alerts': {
    get: Op<AlertList, Query<{ q?: string; cursor?: string; limit?: number; after?: string }>>;
  };
  '/api/v1/alerts/count': { get: Op<{ count: number; capped: boolean }, Query<{ q?: string; after?: string }>> };
  '/api/v1/alerts/histogram': { get: Op<Histogram, Query<{ q?: string; hours?: number }>> };
  '/api/v1/alerts/facets': { get: Op<Facets, Query<{ q?: string }>> };
  '/api/v1/alerts/actions': {
    post: Op<
      ActionResult,
      Query<never>,
      { alerts: AlertRef[]; action: 'acknowledge' | 'close' | 'reopen' | 'comment'; comment?: string }
    >;
  };
  '/api/v1/alerts/{client}/{id}': { get: Op<AlertDetail, InPath<{ client: number; id: string }>> };
  '/api/v1/query/parse': { get: Op<QueryParse, Query<{ q?: string }>> };
  '/api/v1/query/complete': { get: Op<QueryCompletion, Query<{ q?: string; at?: number }>> };
  '/api/v1/health': { get: Op<Health> };
  '/api/v1/audit': { get: Op<{ entries: AuditEntry[]; next?: string | null }, Query<{ cursor?: string }>> };
  '/api/v1/version': { get: Op<{ version: string; wire: number }> };
}
