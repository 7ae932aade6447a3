/** A field that an entry changed; null: it was not there. */
export interface Change {
  field: string;
  before: string | null;
  after: string | null;
}

type Fields = Record<string, unknown>;

function fields(value: unknown): Fields {
  if (value == null) return {};
  return typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : { '': value };
}

function words(value: unknown): string | null {
  if (value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What differs between before and after, field by field. */
export function changes(before: unknown, after: unknown): Change[] {
  const [old, fresh] = [fields(before), fields(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(fresh)])]
    .map((field) => ({ field, before: words(old[field]), after: words(fresh[field]) }))
    .filter((change) => change.before !== change.after);
}
