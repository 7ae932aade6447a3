import { span, withoutFields, write } from './terms';

export { span };

/** The spans offered by name. */
export const RANGES = ['1h', '24h', '7d', '30d'] as const;

/** The query that looks between two times, each as the query language writes it; null leaves that side open. */
export function between(query: string, after: string | null, before: string | null): string {
  const parts = [withoutFields(query, 'after', 'before')];
  if (after) parts.push(write('after', [after]));
  if (before) parts.push(write('before', [before]));
  return parts.filter((part) => part !== '').join(' ');
}

/** How many hours back a chart must reach to show what the query looks at; a day where it says nothing. */
export function hoursBack(query: string, now: number): number {
  const { after } = span(query);
  if (!after) return 24;
  const relative = /^(\d+)\s*([mhdw])$/.exec(after);
  if (relative) {
    const n = Number(relative[1]);
    const hours = { m: n / 60, h: n, d: n * 24, w: n * 168 }[relative[2] as 'm' | 'h' | 'd' | 'w'];
    return Math.max(24, Math.ceil(hours));
  }
  const at = new Date(after).getTime();
  if (Number.isNaN(at)) return 24;
  return Math.max(24, Math.ceil((now - at) / 3_600_000));
}
