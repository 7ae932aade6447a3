import { afterAll, beforeAll, expect, test } from 'vitest';
import french from '../messages/fr.json';
import { closeBrowser, setUp, Visit, words } from './support/browser';
import { Core } from './support/core';

let core: Core;
let visit: Visit;

beforeAll(async () => {
  core = await Core.start();
  visit = await Visit.begin(core.url);
  await setUp(visit, core.setUpLink);
});
afterAll(async () => {
  await core?.end();
  await closeBrowser();
});

const menu = () => visit.page.getByRole('button', { name: /admin/ });

async function signIn(passphrase: string): Promise<void> {
  const { page } = visit;
  await page.getByLabel(words.user_name, { exact: true }).fill('admin');
  await page.getByLabel(words.passphrase, { exact: true }).fill(passphrase);
  await page.getByRole('button', { name: words.sign_in, exact: true }).click();
}

test('one signs out, is told of a wrong passphrase, and comes back to where one wanted to be', async () => {
  const { page } = visit;
  await menu().click();
  await page.getByRole('menuitem', { name: words.sign_out }).click();
  await page.waitForURL((url) => url.pathname === '/sign-in');
  await page.goto(`${core.url}/nodes`);
  await page.waitForURL((url) => url.pathname === '/sign-in');
  await signIn('not the right passphrase');
  await page.getByRole('alert').waitFor();
  await signIn('three large boats at dawn');
  await page.waitForURL((url) => url.pathname === '/nodes');
  await page.getByText(words.nodes_none).waitFor();
  expect(visit.faults).toEqual([]);
});

test('language and look follow the account to another browser', async () => {
  const { page } = visit;
  await menu().click();
  await page.getByText('Français', { exact: true }).click();
  await page.getByText(french.nodes_none).waitFor();
  expect(await page.evaluate(() => document.documentElement.lang)).toBe('fr');
  await menu().click();
  await page.getByText(french.theme_dark, { exact: true }).click();
  await expect.poll(() => page.evaluate(() => document.documentElement.classList.contains('dark'))).toBe(true);

  const other = await Visit.begin(core.url);
  await other.page.goto(core.signInLink());
  await other.page.getByRole('heading', { name: french.page_home }).waitFor();
  expect(await other.page.evaluate(() => document.documentElement.classList.contains('dark'))).toBe(true);
  expect(other.faults).toEqual([]);
  await other.end();
});
