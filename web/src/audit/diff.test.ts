import { expect, it } from 'vitest';
import { changes } from './diff';

it('tells field by field what was changed, added and taken away', () => {
  expect(changes({ access: 'guest', disabled: false }, { access: 'admin', disabled: false })).toEqual([
    { field: 'access', before: 'guest', after: 'admin' },
  ]);
  expect(changes(null, { name: 'Ada', clients: [1, 2] })).toEqual([
    { field: 'name', before: null, after: 'Ada' },
    { field: 'clients', before: null, after: '[1,2]' },
  ]);
  expect(changes('one', undefined)).toEqual([{ field: '', before: 'one', after: null }]);
});
