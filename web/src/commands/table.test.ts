import { expect, it } from 'vitest';
import { matching } from './table';

it('finds rows by all words, wherever they stand', () => {
  const rows = [
    ['openssl', '3.0'],
    ['openssh', { text: '9.6' }],
    ['bash', '5.2'],
  ];
  expect(matching(rows, 'OPEN 9').map((row) => row[0])).toEqual(['openssh']);
  expect(matching(rows, '  ')).toHaveLength(3);
  expect(matching(rows, '.*')).toHaveLength(0);
});
