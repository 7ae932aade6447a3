import type { Severity } from '$lib/api/schema';

/** A column of what was found. */
export interface Column {
  label: string;
  /** How wide, as a class; what is left, if none. */
  width?: string;
  mono?: boolean;
  right?: boolean;
  /** Not on a phone. */
  wide?: boolean;
}

/** What stands in a cell: text, or more than that. */
export type Cell = string | { text: string; href?: string; severity?: Severity | null; time?: string };

export function cellText(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

/** The rows that have all of these words somewhere in them, in any case. */
export function matching(rows: Cell[][], words: string): Cell[][] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return rows;
  return rows.filter((row) => {
    const text = row.map(cellText).join('\u0001').toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}
