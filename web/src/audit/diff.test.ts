import { expect, it } from 'vitest';
import { changes } from './diff';

const nameOf = (client: number) => `Client ${client}`;

it('tells field by field what was changed, added and taken away', () => {
  expect(changes({ access: 'guest', disabled: false }, { access: 'admin', disabled: false }, nameOf)).toEqual([
    { field: 'access', before: 'guest', after: 'admin' },
  ]);
  expect(changes(null, { name: 'Ada', ends: null }, nameOf)).toEqual([{ field: 'name', before: null, after: 'Ada' }]);
  expect(changes('one', undefined, nameOf)).toEqual([{ field: '', before: 'one', after: null }]);
});

it('calls clients by their names', () => {
  expect(changes({}, { access: 'viewer at client 3, analyst at client 4', clients: { only: [3] } }, nameOf)).toEqual([
    { field: 'access', before: null, after: 'viewer at Client 3, analyst at Client 4' },
    { field: 'clients', before: null, after: 'Client 3' },
  ]);
});
