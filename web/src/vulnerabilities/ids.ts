/** Numbers of one search lie close together: in the address they stand as ranges, `12-40,42`. */

/** Most numbers that an address is read for. */
const MOST = 2000;

export function writeIds(ids: readonly number[]): string {
  const sorted = [...new Set(ids)].sort((a, b) => a - b);
  const ranges: [number, number][] = [];
  for (const id of sorted) {
    const last = ranges.at(-1);
    if (last && id === last[1] + 1) last[1] = id;
    else ranges.push([id, id]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

/** What is no number, or too many of them, is left out. */
export function readIds(text: string): number[] {
  const ids: number[] = [];
  for (const part of text.split(',')) {
    const range = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(part);
    if (!range) continue;
    const to = Number(range[2] ?? range[1]);
    for (let id = Number(range[1]); id <= to && ids.length < MOST; id += 1) ids.push(id);
  }
  return ids;
}
