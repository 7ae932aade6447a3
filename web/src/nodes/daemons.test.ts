import { expect, test } from 'vitest';
import type { WazuhStatus } from '$lib/api/schema';
import { daemons } from './daemons';

const status = (states: Record<string, string>, cluster?: string) =>
  ({ daemons: states, cluster }) as unknown as WazuhStatus;
const still = (wazuh: WazuhStatus) =>
  daemons(wazuh)
    .filter(({ runs }) => !runs)
    .map(({ name }) => name);

test('a daemon that nobody configured is no trouble, one that a manager needs is', () => {
  const states = { 'wazuh-analysisd': 'running', 'wazuh-maild': 'stopped', 'wazuh-clusterd': 'stopped' };
  expect(still(status(states))).toEqual([]);
  expect(still(status(states, 'node01 (master)'))).toEqual(['wazuh-clusterd']);
  expect(still(status({ ...states, 'wazuh-analysisd': 'stopped' }))).toEqual(['wazuh-analysisd']);
  expect(still(status({ ...states, 'wazuh-maild': 'failed' }))).toEqual(['wazuh-maild']);
});
