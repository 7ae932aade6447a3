import { expect, test } from 'vitest';
import { table } from './answers';

test('rows of an answer are shown in their columns, and empty columns are left out', () => {
  const answer = {
    items: [
      { name: 'bash', version: '5.2', evil: 'x' },
      { name: 'zsh', version: 5.9 },
    ],
    total: 7,
    cut: true,
  };
  expect(table('packages', answer)).toEqual({
    columns: ['name', 'version'],
    rows: [
      ['bash', '5.2'],
      ['zsh', '5.9'],
    ],
    total: 7,
    cut: true,
  });
});

test('whatever a node sends, nothing is thrown', () => {
  for (const answer of [null, undefined, 7, 'x', [], { items: 'x' }, { items: [null, 7, { name: { a: 1 } }] }])
    expect(() => table('users', answer)).not.toThrow();
  expect(table('users', { items: [{ name: '<img src=x onerror=alert(1)>' }] })?.rows).toEqual([
    ['<img src=x onerror=alert(1)>'],
  ]);
});
