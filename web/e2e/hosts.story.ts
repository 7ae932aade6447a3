import { afterAll, beforeAll, expect, test } from 'vitest';
import { newClient } from './support/api';
import { closeBrowser, setUp, Visit, words } from './support/browser';
import { Core } from './support/core';
import { Manager } from './support/wazuh';

const HOSTILE = '<img src=x onerror=alert(1)>\u202e' + 'x'.repeat(60);

let core: Core;
let manager: Manager;
let admin: Visit;

beforeAll(async () => {
  core = await Core.start();
  manager = await Manager.start();
  await manager.agent('004', {
    name: HOSTILE,
    status: 'active',
    version: 'Wazuh v4.9.0',
    ip: '10.0.0.9',
    group: ['default'],
  });
  admin = await Visit.begin(core.url);
  await setUp(admin, core.setUpLink);
  await admin.page.goto(`${core.url}/hosts`);
  await admin.page.getByText(words.hosts_none).waitFor();
  await admin.picture('hosts-none');
  const node = core.node('sensor');
  node.enrol(await newClient(admin.page, 'Client A'));
  manager.beside(node, ['inventory', 'restart', 'block']);
  node.start();
});
afterAll(async () => {
  await core?.end();
  await manager?.end();
  await closeBrowser();
});

test('a host falls silent, is found by its alert, restarted, and comes back', async () => {
  const { page } = admin;
  const row = (name: string) => page.getByRole('row').filter({ hasText: name });
  await row('web1').getByText(words.host_active).waitFor();
  await admin.picture('hosts');
  await manager.agent('001', { status: 'disconnected', status_code: 4 });
  await row('web1').getByText(words.host_disconnected).waitFor();
  await page.goto(`${core.url}/alerts?q=rule%3Ahost-silent`);
  await row('A host has fallen silent').waitFor();

  await page.goto(`${core.url}/hosts`);
  await page.getByRole('link', { name: 'web1' }).click();
  await page.getByRole('heading', { name: 'web1' }).waitFor();
  await page.getByRole('button', { name: words.deed_restart }).click();
  await page.getByRole('button', { name: words.act_now, exact: true }).click();
  await page
    .getByRole('listitem')
    .filter({ hasText: words.deed_restart })
    .getByText(words.command_done, { exact: true })
    .waitFor();
  await page.getByText(words.host_active, { exact: true }).waitFor();
  // What the client does not allow is not offered, and says why.
  const scan = page.getByRole('button', { name: words.deed_scan });
  expect(await scan.isDisabled()).toBe(true);
  expect(await scan.getAttribute('title')).toContain('«scan»');
});

test('what is known of a host is asked for, and shown with its age', async () => {
  const { page } = admin;
  for (const part of [words.part_vulnerabilities, words.part_packages, words.part_sca]) {
    const section = page.locator('section section').filter({ has: page.getByRole('button', { name: part }) });
    await section.getByRole('button', { name: words.answer_ask }).click();
    await section.getByText(words.answer_of_time).waitFor();
    await section.getByRole('row').nth(1).waitFor();
  }
  await page.getByText('CVE-2026-12345').waitFor();
  await admin.picture('host');
});

test('a vulnerability is looked for at all nodes, and the address keeps the answer', async () => {
  const { page } = admin;
  await page.goto(`${core.url}/vulnerabilities`);
  await page.getByRole('textbox').fill('nonsense');
  await page.getByRole('button', { name: words.vulnerabilities_look }).click();
  await page
    .getByText(/give a number such as/i)
    .first()
    .waitFor();
  await page.getByRole('textbox').fill('CVE-2026-12345');
  await page.getByRole('button', { name: words.vulnerabilities_look }).click();
  await page.getByRole('row').filter({ hasText: 'dc1' }).waitFor();
  await page.reload();
  await page.getByRole('row').filter({ hasText: 'dc1' }).waitFor();
  await admin.picture('vulnerabilities');
});

test('a block names an address and a time, and the manager’s «no» is told', async () => {
  const { page } = admin;
  await page.goto(`${core.url}/hosts`);
  await page.getByRole('link', { name: 'web1' }).click();
  await page.getByRole('button', { name: words.act_block }).click();
  await page.getByLabel(words.act_address).fill('not an address');
  await page.getByRole('button', { name: words.act_now, exact: true }).click();
  await page.getByText(/give an IP address/i).waitFor();
  await page.getByLabel(words.act_address).fill('192.0.2.7');
  await page.getByLabel(words.act_seconds).fill('61');
  await page.getByRole('button', { name: words.act_now, exact: true }).click();
  await page.getByText(/firewall-drop.*ossec\.conf/).waitFor();
});

test.each([
  { name: 'dark-phone', options: { viewport: { width: 390, height: 844 }, colorScheme: 'dark' as const } },
  { name: 'french', options: { locale: 'fr-FR' } },
])('hosts and a hostile name fit: $name', async ({ name, options }) => {
  const visit = await Visit.begin(core.url, options);
  await visit.page.goto(core.signInLink());
  await visit.page.getByRole('main').waitFor();
  for (const path of ['/hosts', '/hosts/1/004', '/hosts/1/001', '/nodes/1', '/vulnerabilities']) {
    await visit.page.goto(core.url + path);
    await visit.page.getByRole('main').waitFor();
    await visit.page.waitForLoadState('networkidle', { timeout: 2000 }).catch(() => {});
    const over = await visit.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(over, path).toBeLessThanOrEqual(0);
    await visit.picture(`${name}${path.replaceAll('/', '-')}`);
  }
  expect(visit.faults).toEqual([]);
  await visit.end();
});

test('nothing went wrong on any of these pages', () => {
  expect(admin.faults).toEqual([]);
});
