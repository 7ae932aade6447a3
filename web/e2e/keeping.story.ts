import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientId, newClient } from './support/api';
import { closeBrowser, setUp, Visit, words } from './support/browser';
import { alert, Core } from './support/core';

let core: Core;
let admin: Visit;

beforeAll(async () => {
  core = await Core.start();
  admin = await Visit.begin(core.url);
  await setUp(admin, core.setUpLink);
  const node = core.node('sensor');
  node.enrol(await newClient(admin.page, 'Client A'));
  node.start();
  node.write(alert(1, { signature: 'Seen at Client A' }));
  await admin.page.goto(`${core.url}/alerts`);
  await admin.page.getByRole('row').filter({ hasText: 'Seen at Client A' }).waitFor();
});
afterAll(async () => {
  await core?.end();
  await closeBrowser();
});

test('a client’s alerts are kept for its own time, held, exported whole, and let go', async () => {
  const { page } = admin;
  await page.goto(`${core.url}/clients/${await clientId(page, 'Client A')}`);
  const data = page.locator('section').filter({ has: page.getByRole('heading', { name: words.client_data }) });
  await data.getByText('365 days').waitFor();
  await data.getByRole('button', { name: words.change_it }).first().click();
  await page.getByLabel(words.client_kept_own).check();
  await page.getByLabel(words.client_kept_number).fill('30');
  await page.getByText('Alerts older than 30 days are deleted within minutes.').waitFor();
  // The page behind is read again meanwhile: what was chosen stays.
  await newClient(page, 'Client B');
  await page.waitForResponse((response) => /\/api\/v1\/clients\/\d+$/.test(response.url()));
  expect(await page.getByLabel(words.client_kept_number).inputValue()).toBe('30');
  await admin.picture('keeping-shorter');
  await page.getByRole('button', { name: words.save }).last().click();
  await data.getByText('30 days').waitFor();

  await data.getByRole('button', { name: words.hold_put }).click();
  await page.getByLabel(words.hold_why).fill('case <b>118</b>');
  await page.getByRole('button', { name: words.hold_put_now, exact: true }).click();
  await data.getByText('case <b>118</b>').waitFor();
  expect(await page.getByRole('button', { name: words.client_delete, exact: true }).isDisabled()).toBe(true);
  await admin.picture('keeping-held');

  await data.getByRole('button', { name: words.export_begin }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: words.export_begin_now, exact: true }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^socme-client-a-\d{4}-\d\d-\d\d\.zip$/);
  const bytes = await readFile(await download.path());
  expect(bytes.subarray(0, 2).toString()).toBe('PK');
  expect(bytes.includes('alerts.jsonl') && bytes.includes('manifest.json')).toBe(true);
  await page.getByText(/^✓ Complete: /).waitFor();
  await admin.picture('keeping-exported');
  await page.getByRole('dialog').getByRole('button', { name: words.close_dialog }).last().click();

  await data.getByRole('button', { name: words.hold_lift }).click();
  await page.getByRole('textbox').last().fill('Client A');
  await page.getByRole('button', { name: words.hold_lift_now, exact: true }).click();
  await data.getByText(words.hold_none, { exact: true }).waitFor();
  await page.goto(`${core.url}/audit`);
  for (const said of [words.action_client_hold, words.action_client_release, words.action_client_export])
    await page.getByRole('table').getByText(said).first().waitFor();
});
