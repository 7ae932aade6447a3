/** What a node found, as a table. All of it was written by others: nothing is trusted to be there, or to be what it should be. */

export interface Table {
  columns: string[];
  rows: string[][];
  /** How many there are in all. */
  total: number;
  cut: boolean;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A cell's text: nothing for what is missing, and never an object's innards. */
export function cell(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return value.filter((part) => typeof part === 'string').join(', ');
  return '';
}

/** The columns that are shown of a list, in their order. */
const COLUMNS: Record<string, string[]> = {
  ports: ['protocol', 'address', 'port', 'state', 'process', 'pid', 'remote_address', 'remote_port'],
  packages: ['name', 'version', 'vendor', 'architecture', 'format'],
  users: ['name', 'id', 'groups', 'shell', 'home', 'last_login'],
  processes: ['pid', 'name', 'command', 'user', 'state'],
  sca: ['policy', 'score', 'pass', 'fail', 'invalid', 'total'],
  vulnerabilities: ['severity', 'cve', 'score', 'package', 'version', 'title'],
  find_vulnerable: ['name', 'agent', 'severity', 'score', 'package', 'version', 'detected'],
  hardware: ['system', 'cpu', 'cores', 'memory_bytes', 'board_serial'],
};

/** The answer to a question as a table; null if there is none. */
export function table(what: string, answer: unknown): Table | null {
  if (!isRecord(answer)) return null;
  const columns = COLUMNS[what] ?? [];
  const items = what === 'hardware' ? [answer] : Array.isArray(answer.items) ? answer.items.filter(isRecord) : [];
  const rows = items.map((item) => columns.map((column) => cell(item[column])));
  const total = typeof answer.total === 'number' ? answer.total : rows.length;
  const filled = columns.map((_, at) => rows.length === 0 || rows.some((row) => row[at] !== ''));
  const keep = (cells: string[]) => cells.filter((_, at) => filled[at]);
  return { columns: keep(columns), rows: rows.map(keep), total, cut: answer.cut === true };
}
