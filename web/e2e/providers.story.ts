import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeBrowser, setUp, Visit, words } from './support/browser';
import { Core } from './support/core';
import { Provider } from './support/provider';

let core: Core;
let provider: Provider;
let visit: Visit;

beforeAll(async () => {
  core = await Core.start('private_providers = true');
  provider = await Provider.start([`${core.url}/sign-in/return/our-company`], { ada: { preferred_username: 'ada.l' } });
  visit = await Visit.begin(core.url, {}, [provider.issuer]);
  await setUp(visit, core.setUpLink);
});
afterAll(async () => {
  await provider?.end();
  await core?.end();
  await closeBrowser();
});

/** Says at the provider who one is. */
async function signInThere(name: string): Promise<void> {
  const { page } = visit;
  await page.waitForURL((url) => url.origin === provider.issuer);
  await page.getByLabel('Account').fill(name);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function signOut(): Promise<void> {
  const { page } = visit;
  await page.getByRole('button', { name: /admin/ }).click();
  await page.getByRole('menuitem', { name: words.sign_out }).click();
  await page.waitForURL((url) => url.pathname === '/sign-in');
}

test('an administrator adds a provider, and is told whether it answers', async () => {
  const { page } = visit;
  await page.goto(`${core.url}/providers`);
  await page.getByText(words.providers_none, { exact: true }).waitFor();
  await page.getByRole('button', { name: words.provider_new }).click();
  await page.getByLabel(words.name, { exact: true }).fill('Our company');
  await page.getByText(`${core.url}/sign-in/return/our-company`).waitFor();
  await page.getByLabel(words.provider_issuer, { exact: true }).fill('https://id.example.com/?x');
  await page.getByLabel(words.provider_client_id).fill('socme');
  await page.getByLabel(words.provider_secret, { exact: true }).fill('of the tests alone');
  await page.getByRole('button', { name: words.save }).click();
  // What is wrong is told at the field.
  await page.getByText(/Write only https/).waitFor();
  await page.getByLabel(words.provider_issuer, { exact: true }).fill(provider.issuer);
  await page.getByRole('button', { name: words.mapping_add }).click();
  await page.getByLabel(words.mapping_group, { exact: true }).fill('bosses');
  await page.getByLabel(words.mapping_role, { exact: true }).selectOption('admin');
  await visit.picture('provider-form');
  await page.getByRole('button', { name: words.save }).click();
  await page.getByText(words.provider_fine).waitFor();
  await visit.picture('providers');
  expect(visit.faults).toEqual([]);
});

test('nobody comes in whom the core does not know', async () => {
  const { page } = visit;
  await signOut();
  await page.getByRole('button', { name: 'Sign in with Our company' }).click();
  await signInThere('ada');
  await page.getByRole('alert').getByText('Nobody here has this account.').waitFor();
  // The code has left the address.
  expect(new URL(page.url()).search).toBe('');
  await visit.picture('provider-refused');
  expect(visit.faults).toEqual([]);
});

test('one links an account, and comes back through it to where one wanted to be', async () => {
  const { page } = visit;
  await page.goto(core.signInLink());
  await page.getByRole('heading', { name: words.page_home }).waitFor();
  await page.goto(`${core.url}/me`);
  // The provider still knows who is there.
  await page.getByRole('button', { name: 'Link Our company' }).click();
  await page.getByText('ada.l').waitFor();
  expect(new URL(page.url()).pathname).toBe('/me');
  await visit.picture('provider-linked');
  await signOut();

  await page.goto(`${core.url}/nodes`);
  await page.getByRole('button', { name: 'Sign in with Our company' }).click();
  await page.waitForURL((url) => url.pathname === '/nodes');
  await page.getByText(words.nodes_none).waitFor();
  await page.goto(`${core.url}/me`);
  await page.getByRole('button', { name: 'Unlink ada.l' }).click();
  await page.getByText(words.identity_unlinked).waitFor();
  expect(visit.faults).toEqual([]);
});
