import { expect, it } from 'vitest';
import type { Command } from '$lib/api/schema';
import { readIds, writeIds } from './ids';
import { searches } from './search';

it('writes numbers as ranges and reads them again, whatever the address says', () => {
  expect(writeIds([42, 12, 13, 14, 12])).toBe('12-14,42');
  expect(readIds('12-14,42')).toEqual([12, 13, 14, 42]);
  expect(readIds('x,-1,3-1,<img>,7')).toEqual([7]);
  expect(readIds('1-999999999999').length).toBe(2000);
  expect(readIds('')).toEqual([]);
});

it('puts together what was asked together', () => {
  const command = (id: number, cve: string, seconds: number, who = 'anna') =>
    ({ id, cve, who, deed: 'find_vulnerable', created: new Date(1e12 + seconds * 1000).toISOString() }) as Command;
  const found = searches([
    command(9, 'CVE-2026-1000', 600),
    command(8, 'CVE-2026-2000', 4),
    command(7, 'CVE-2026-1000', 3),
    command(6, 'CVE-2026-1000', 2),
    command(5, 'CVE-2026-1000', 2, 'otto'),
  ]);
  expect(found.map(({ cve, ids }) => [cve, ids])).toEqual([
    ['CVE-2026-1000', [9]],
    ['CVE-2026-2000', [8]],
    ['CVE-2026-1000', [7, 6]],
    ['CVE-2026-1000', [5]],
  ]);
});
