/** A field that an entry changed; null: it was not there. */
export interface Change {
  field: string;
  before: string | null;
  after: string | null;
}

type Fields = Record<string, unknown>;
type NameOf = (client: number) => string;

function fields(value: unknown): Fields {
  if (value == null) return {};
  return typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : { '': value };
}

/** A value as people read it: the core writes clients by their numbers. */
function words(field: string, value: unknown, nameOf: NameOf): string | null {
  if (value == null) return null;
  if (field === 'access' && typeof value === 'string')
    return value.replace(/\bat client (\d+)/g, (_, client: string) => `at ${nameOf(Number(client))}`);
  const only = field === 'clients' ? (value as { only?: unknown }).only : undefined;
  if (Array.isArray(only)) return only.map((client) => nameOf(Number(client))).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What differs between before and after, field by field. */
export function changes(before: unknown, after: unknown, nameOf: NameOf): Change[] {
  const [old, fresh] = [fields(before), fields(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(fresh)])]
    .map((field) => ({
      field,
      before: words(field, old[field], nameOf),
      after: words(field, fresh[field], nameOf),
    }))
    .filter((change) => change.before !== change.after);
}
