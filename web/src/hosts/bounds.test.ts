import { expect, it } from 'vitest';
import { isAddress, isBlockTime, isCve, isDeaf, isGroup } from './bounds';

it('takes what the core takes, and nothing else', () => {
  expect(['192.0.2.7', '2001:db8::1', '::ffff:192.0.2.7', '::1'].filter((text) => !isAddress(text))).toEqual([]);
  const wrong = [
    '',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.07',
    '192.0.2.7/24',
    '192.0.2.7; reboot',
    'host',
    '::g',
    'fe80::1%eth0',
    '[::1]',
  ];
  expect(wrong.filter(isAddress)).toEqual([]);
  expect(['default', 'web-servers_2.0'].every(isGroup)).toBe(true);
  expect(['', '..', 'all', 'a b', '../x', 'x'.repeat(129)].some(isGroup)).toBe(false);
  expect(
    ['CVE-2026-12345', 'CVE-2026-123', 'cve-2026-12345', 'CVE-2026-1234&x', 'javascript:alert(1)'].filter(isCve),
  ).toEqual(['CVE-2026-12345']);
  expect([60, 86_400].every(isBlockTime)).toBe(true);
  expect([59, 86_401, 60.5, NaN, null, undefined].some(isBlockTime)).toBe(false);
});

it('knows when nobody is there to hear', () => {
  expect(isDeaf({ state: 'disconnected' }, 'restart_agent')).toBe(true);
  expect(isDeaf({ state: 'disconnected' }, 'add_to_group')).toBe(false);
  expect(isDeaf({ state: 'active' }, 'restart_agent')).toBe(false);
});
