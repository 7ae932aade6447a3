import { expect, it, vi } from 'vitest';

vi.mock('../clients/clients.svelte', () => ({ clients: { nameOf: (id: number) => `Client ${id}` } }));
const { accessOf, draftOf } = await import('./access');

it('keeps what somebody was given while it is edited', () => {
  for (const access of [
    { admin: true, everywhere: null, clients: [] },
    { admin: false, everywhere: 'analyst' as const, clients: [] },
    { admin: false, everywhere: 'viewer' as const, clients: [{ client: 3, role: 'analyst' as const }] },
    { admin: false, everywhere: null, clients: [{ client: 3, role: 'viewer' as const }] },
    { admin: false, everywhere: null, clients: [] },
  ])
    expect(accessOf(draftOf(access))).toEqual(access);
});

it('gives no client beside a role that holds everywhere', () => {
  const draft = { kind: 'all', everywhere: 'analyst', clients: { 3: 'viewer', 4: 'analyst' } } as const;
  expect(accessOf(draft)).toEqual({ admin: false, everywhere: 'analyst', clients: [] });
});
