import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeBrowser, setUp, Visit, words } from './support/browser';
import { alert, Core } from './support/core';

let core: Core;
let visit: Visit;

beforeAll(async () => {
  core = await Core.start();
  visit = await Visit.begin(core.url);
});
afterAll(async () => {
  await core?.end();
  await closeBrowser();
});

test('a new core: administrator, client, node, first alert, then the node is disabled, revoked and deleted', async () => {
  const { page } = visit;
  await setUp(visit, core.setUpLink);

  // The link is used up.
  await page.goto(core.setUpLink);
  await page.reload();
  await page.getByLabel(words.user_name, { exact: true }).fill('other');
  await page.getByLabel(words.passphrase, { exact: true }).fill('another four word phrase');
  await page.getByRole('button', { name: words.setup_submit }).click();
  await page.getByRole('alert').first().waitFor();

  await page.goto(`${core.url}/nodes`);
  await page.getByText(words.nodes_none).waitFor();
  await visit.picture('no-nodes');

  await page.goto(`${core.url}/clients`);
  await page.getByRole('button', { name: words.client_new }).first().click();
  await page.getByLabel(words.name, { exact: true }).fill('Client A');
  await page.getByLabel(words.client_contacts).fill('it@client-a.example');
  await page.getByRole('button', { name: words.client_create }).click();
  await page.getByRole('heading', { name: 'Client A' }).waitFor();

  await page.getByRole('button', { name: words.add_node, exact: true }).click();
  const command = await page.locator('code', { hasText: 'node enrol' }).innerText();
  const token = command.split(' ').at(-1)!;
  expect(token).toMatch(/^socme1\./);
  await visit.picture('add-a-node');
  const node = core.node('sensor');
  node.enrol(token);
  node.start();
  node.write(alert(1));
  await page.getByText('✓').waitFor();
  await page.keyboard.press('Escape');

  await page.goto(`${core.url}/alerts`);
  await page.getByRole('row').filter({ hasText: 'Story rule 1' }).waitFor();

  await page.goto(`${core.url}/nodes`);
  await page.getByText(words.node_online, { exact: true }).waitFor();
  await page.getByRole('table').getByRole('link').first().click();
  await page.getByLabel(words.name, { exact: true }).fill('front-desk');
  await page.getByLabel(words.node_mirror).fill('switch 2, port 8');
  await page.getByRole('button', { name: words.save, exact: true }).click();
  await page.getByRole('heading', { name: 'front-desk' }).waitFor();

  await page.getByRole('button', { name: words.node_disable }).click();
  await page.getByText(words.node_disabled, { exact: true }).waitFor();
  await page.getByRole('button', { name: words.node_enable }).click();
  await page.getByText(words.node_online, { exact: true }).waitFor();

  await page.getByRole('button', { name: words.node_revoke, exact: true }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('front-desk');
  await page.getByRole('dialog').getByRole('button', { name: words.node_revoke_now, exact: true }).click();
  await page.getByText(words.node_revoked, { exact: true }).waitFor();
  // It is out: what it detects now stays at home.
  node.write(alert(2));

  await page.getByRole('button', { name: words.node_delete, exact: true }).click();
  const asked = page.getByRole('dialog');
  await asked.getByText(/^Its (alert of|\d+ alerts since)/).waitFor();
  expect(await asked.getByRole('button', { name: words.node_delete_now }).isDisabled()).toBe(true);
  await asked.getByRole('textbox').fill('front-desk');
  await asked.getByRole('button', { name: words.node_delete_now }).click();
  await page.getByText(words.nodes_none).waitFor();

  await page.goto(`${core.url}/alerts`);
  await expect.poll(() => page.getByText('Story rule').count()).toBe(0);

  await page.goto(`${core.url}/audit`);
  for (const action of ['client.create', 'node.enrol', 'node.change', 'node.revoke', 'node.delete'])
    await page.getByText(action).first().waitFor();
  await visit.picture('audit');
  await page.goto(`${core.url}/health`);
  await page.getByText(words.health_certificates).waitFor();
  await visit.picture('health');
  expect(visit.faults).toEqual([]);
});
