import { expect, it } from 'vitest';
import type { Node, Permission } from '$lib/api/schema';
import { needed, obstacle, PERMISSIONS } from './allowed';

const node = (state: Node['state'], allowed?: Permission[], wazuh = true) =>
  ({ state, status: { allowed, wazuh: wazuh ? { url: 'https://wazuh:55000' } : null } }) as unknown as Node;

it('asks only what may be asked, and says why not', () => {
  expect(obstacle(node('online', ['inventory']), true, 'inventory')).toBeNull();
  expect(obstacle(node('late', ['inventory']), true, 'inventory')).toBeNull();
  const reasons = [
    obstacle(node('online', ['inventory']), false, 'inventory'),
    obstacle(node('disabled', ['inventory']), true, 'inventory'),
    obstacle(node('offline', ['inventory']), true, 'inventory'),
    obstacle(node('online', [], false), true, 'inventory'),
    obstacle(node('online', []), true, 'inventory'),
    obstacle(node('online', ['inventory']), true, 'restart'),
  ];
  expect(reasons.every((reason) => typeof reason === 'string')).toBe(true);
  expect(new Set(reasons).size).toBe(reasons.length);
  expect(reasons.at(-1)).toContain('restart');
});

it('knows a word of the policy for each deed', () => {
  expect(PERMISSIONS).toContain(needed('find_vulnerable'));
  expect(needed('block_address')).toBe('block');
});
