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
  await admin.page.getByText(words.hosts_none).first().waitFor();
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
  await row('A host has fallen silent').click();
  await page.getByRole('link', { name: words.fact_host_page }).click();
  await page.getByRole('heading', { name: 'web1' }).waitFor();
  const actions = page.getByRole('region', { name: words.host_actions });
  await actions.getByRole('button', { name: words.do_restart }).click();
  await page.getByRole('dialog').getByRole('button', { name: words.ask_for_it }).click();
  await actions.getByRole('status').getByText(words.command_done).waitFor();
  await page.getByRole('main').getByText(words.host_active).first().waitFor();
  // What the client does not allow is not offered, and says why.
  expect(await actions.getByRole('button', { name: words.do_scan }).isDisabled()).toBe(true);
  await actions.getByText(/scan, upgrade, group/).waitFor();
});

test('what is known of a host is asked for, and shown with its age', async () => {
  const { page } = admin;
  for (const name of [words.inventory_vulnerabilities, words.inventory_packages, words.inventory_sca]) {
    const part = page.getByRole('region', { name });
    await part.getByRole('button', { name: words.ask_now }).click();
    await part.getByText(words.answer_of).waitFor();
    await part.getByRole('row').nth(1).or(part.getByRole('listitem').first()).first().waitFor();
    await part.getByRole('button', { name: words.ask_again }).waitFor();
  }
  await page.getByText('CVE-2026-12345').waitFor();
  await admin.picture('host');
});

test('a vulnerability is looked for at all nodes, and the address keeps the answer', async () => {
  const { page } = admin;
  await page.goto(`${core.url}/vulnerabilities`);
  const field = page.getByLabel(words.search_cve);
  const look = page.getByRole('button', { name: words.search_ask });
  await field.fill('CVE-nonsense-1');
  await page.getByText(words.said_cve).waitFor();
  expect(await look.isDisabled()).toBe(true);
  await field.fill('CVE-2026-12345');
  await look.click();
  await page.getByRole('row').filter({ hasText: 'dc1' }).waitFor();
  await page.reload();
  await page.getByRole('row').filter({ hasText: 'dc1' }).waitFor();
  await admin.picture('vulnerabilities');
});

test('a block names an address and a time, and the manager’s «no» is told', async () => {
  const { page } = admin;
  await page.goto(`${core.url}/hosts`);
  await page.getByRole('link', { name: 'web1' }).click();
  await page.getByRole('button', { name: words.do_block }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(words.entity_address).fill('not an address');
  await dialog.getByText(words.said_address).waitFor();
  expect(await dialog.getByRole('button', { name: words.ask_for_it }).isDisabled()).toBe(true);
  await dialog.getByLabel(words.entity_address).fill('192.0.2.7');
  await dialog.getByLabel(words.block_seconds).fill('61');
  await dialog.getByRole('button', { name: words.ask_for_it }).click();
  await page
    .getByText(/firewall-drop.*ossec\.conf/)
    .first()
    .waitFor();
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
