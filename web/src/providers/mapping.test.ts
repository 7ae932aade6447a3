import { expect, it } from 'vitest';
import { linesOf, mappingOf, type Line } from './mapping';

it('says the same as lines and as a mapping', () => {
  const lines: Line[] = [
    { group: 'bosses', role: 'admin', client: '' },
    { group: 'soc', role: 'analyst', client: '' },
    { group: 'acme', role: 'viewer', client: '7' },
  ];
  expect(linesOf(mappingOf([...lines, { group: ' ', role: 'admin', client: '' }]))).toEqual(lines);
});

it('shows a group that was given several clients as several lines', () => {
  const clients = [
    { client: 7, role: 'viewer' as const },
    { client: 8, role: 'analyst' as const },
  ];
  const lines = linesOf([{ group: 'acme', access: { admin: false, everywhere: 'viewer', clients } }]);
  expect(lines.map(({ role, client }) => `${role} ${client}`)).toEqual(['viewer ', 'viewer 7', 'analyst 8']);
});
