import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newClient, newKey, newUser } from './support/api';
import { accept, closeBrowser, setUp, Visit, words } from './support/browser';
import { Core } from './support/core';

let core: Core;
let visit: Visit;

beforeAll(async () => {
  core = await Core.start();
  visit = await Visit.begin(core.url);
  await setUp(visit, core.setUpLink);
  await newClient(visit.page, 'Client A');
});
afterAll(async () => {
  await core?.end();
  await closeBrowser();
});

const row = (text: string) => visit.page.getByRole('row').filter({ hasText: text });
const ask = (secret: string) => fetch(`${core.url}/api/v1/clients`, { headers: { Authorization: `Bearer ${secret}` } });

test('a key is made, used by a program, seen to be used, and deleted', async () => {
  const { page } = visit;
  await page.goto(`${core.url}/me`);
  await page.getByRole('button', { name: words.api_key_new }).click();
  await page.getByLabel(words.api_key_for).fill('backup checker');
  await visit.picture('new-key');
  await page.getByRole('button', { name: words.api_key_create }).click();
  const secret = await page.getByLabel(words.api_key_secret, { exact: true }).innerText();
  expect(await page.getByLabel(words.api_key_command).innerText()).toContain(`Bearer ${secret}`);
  await visit.picture('new-key-shown');
  expect((await ask(secret)).status).toBe(200);
  await page.getByRole('button', { name: words.done }).click();
  expect(await page.getByText(secret).count()).toBe(0);

  await page.goto(`${core.url}/keys`);
  await row('backup checker').getByText('127.0.0.1').last().waitFor();
  await row('backup checker').getByRole('button').click();
  await page.getByRole('dialog').getByRole('textbox').fill('backup checker');
  await page.getByRole('dialog').getByRole('button', { name: words.api_key_delete_now }).click();
  await page.getByText(words.keys_none).waitFor();
  expect((await ask(secret)).status).toBe(401);
  expect(visit.faults).toEqual([]);
});

test('what is dangerous asks again who one is; cancelled, nothing is done', async () => {
  const { page } = visit;
  let asked = 0;
  // The core's clock cannot be turned: what it says after 15 minutes is said in its place, until the proof is given.
  let proved = false;
  await page.route('**/api/v1/users', async (route) => {
    if (route.request().method() !== 'POST' || proved) return route.continue();
    asked += 1;
    await route.fulfill({
      status: 403,
      json: { type: 'prove', title: 'Show again who you are.', status: 403, id: 'x' },
    });
  });
  await page.route('**/api/v1/session/proof', async (route) => {
    const answer = await route.fetch();
    proved ||= answer.ok();
    await route.fulfill({ response: answer });
  });
  await page.goto(`${core.url}/users`);
  await page.getByRole('button', { name: words.invite }).click();
  await page.getByLabel(words.user_name, { exact: true }).fill('nora');
  await page.getByRole('button', { name: words.invite_submit }).click();
  const dialog = page.getByRole('dialog', { name: words.prove_title });
  // It lies above the dialog whose button asked for it.
  await dialog.getByLabel(words.passphrase, { exact: true }).click();
  await visit.picture('prove');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  // What was typed is still there, and nobody complains.
  expect(await page.getByLabel(words.user_name, { exact: true }).inputValue()).toBe('nora');
  expect(await page.getByRole('alert').count()).toBe(0);

  await page.getByRole('button', { name: words.invite_submit }).click();
  await dialog.getByLabel(words.passphrase, { exact: true }).fill('not the right one');
  await page.keyboard.press('Enter');
  await dialog.getByText(words.prove_wrong).waitFor();
  await dialog.getByLabel(words.passphrase, { exact: true }).fill('three large boats at dawn');
  await page.keyboard.press('Enter');
  await page.getByLabel(words.invitation_link).waitFor();
  await page.getByRole('button', { name: words.done }).click();
  await row('nora').waitFor();
  expect(asked).toBe(2);
  await page.unrouteAll();
  expect(visit.faults).toEqual([]);
});

test('one sees where one is signed in, ends the others, and changes the passphrase', async () => {
  const { page } = visit;
  const other = await Visit.begin(core.url, {
    userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Mobile/15E148 Safari/604.1',
  });
  await other.page.goto(core.signInLink());
  await other.page.getByRole('heading', { name: words.page_home }).waitFor();
  await page.goto(`${core.url}/me`);
  await page.getByText('Safari 17 on iOS').waitFor();
  await page.getByText(words.session_this).waitFor();
  await page.getByRole('button', { name: words.sessions_end_others }).click();
  await expect.poll(() => page.getByText('Safari 17 on iOS').count()).toBe(0);
  await other.page.getByText(words.session_ended).waitFor();
  await other.page
    .getByRole('status')
    .getByText(/^data of /)
    .waitFor();
  await other.end();

  await page.getByRole('button', { name: words.passphrase_change, exact: true }).click();
  await page.getByLabel(words.passphrase_old).fill('not the right one');
  await page.getByLabel(words.passphrase_new).fill('nine quiet trains by night');
  await page.getByRole('button', { name: words.passphrase_change_now }).click();
  await page.getByText(words.prove_wrong).waitFor();
  await page.getByLabel(words.passphrase_old).fill('three large boats at dawn');
  await page.getByRole('button', { name: words.passphrase_change_now }).click();
  await page.getByText(words.passphrase_changed).waitFor();
  expect(await page.getByText(words.session_ended).count()).toBe(0);
  expect(visit.faults).toEqual([]);
});

/** The code that an authenticator shows for a secret now (RFC 6238). */
function codeOf(secret: string): string {
  const bits = Array.from(secret, (letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  );
  const bytes = bits
    .join('')
    .match(/.{8}/g)!
    .map((byte) => parseInt(byte, 2));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const hash = createHmac('sha1', Buffer.from(bytes)).update(counter).digest();
  const at = hash[19]! & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

test('an authenticator is set up, its recovery code signs in, and it is turned off again', async () => {
  const { url } = await newUser(visit.page, 'thea', { everywhere: 'viewer' });
  const thea = await Visit.begin(core.url);
  const { page } = thea;
  await accept(thea, url);
  await page.goto(`${core.url}/me`);
  await page.getByRole('button', { name: words.authenticator_set_up }).click();
  await page.getByAltText(words.authenticator_picture).waitFor();
  await thea.picture('authenticator');
  await page.getByLabel(words.authenticator_code).fill('000000');
  await page.getByRole('button', { name: words.authenticator_turn_on }).click();
  await page.getByText(words.said_first_code).waitFor();
  await page
    .getByLabel(words.authenticator_code)
    .fill(codeOf(await page.getByLabel(words.authenticator_secret, { exact: true }).innerText()));
  await page.getByRole('button', { name: words.authenticator_turn_on }).click();
  const recovery = await page
    .getByRole('dialog', { name: words.recovery_codes })
    .getByRole('listitem')
    .first()
    .innerText();
  await thea.picture('recovery-codes');
  await page.getByRole('button', { name: words.recovery_codes_kept }).click();
  await page.getByText(words.authenticator_on).waitFor();

  await page.context().clearCookies();
  await page.goto(`${core.url}/sign-in?next=/me`);
  await page.getByLabel(words.user_name, { exact: true }).fill('thea');
  await page.getByLabel(words.passphrase, { exact: true }).fill('seven green lamps at noon');
  await page.getByRole('button', { name: words.sign_in, exact: true }).click();
  await page.getByLabel(words.second_factor_code).fill(recovery);
  await page.getByRole('button', { name: words.sign_in, exact: true }).click();
  await page.getByText(words.authenticator_on).waitFor();
  await page.getByRole('button', { name: words.authenticator_remove }).click();
  await page.getByText(words.authenticator_text).waitFor();
  expect(thea.faults).toEqual([]);
  await thea.end();
});

test('a passkey is added, signs in, and shows again who one is', async () => {
  const { url } = await newUser(visit.page, 'pia', { everywhere: 'viewer' });
  const pia = await Visit.begin(core.url);
  const { page } = pia;
  await accept(pia, url);
  const device = await page.context().newCDPSession(page);
  await device.send('WebAuthn.enable');
  await device.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await page.goto(`${core.url}/me`);
  await page.getByRole('button', { name: words.passkey_add }).click();
  await page.getByLabel(words.name, { exact: true }).last().fill('office laptop');
  await page.getByRole('button', { name: words.passkey_add_now, exact: true }).click();
  await page.getByText('office laptop').waitFor();
  await pia.picture('passkey');

  await page.context().clearCookies();
  await page.goto(`${core.url}/sign-in?next=/me`);
  await page.getByRole('button', { name: words.sign_in_passkey }).click();
  await page.getByText('office laptop').waitFor();
  let refused = false;
  await page.route('**/api/v1/me/passkeys/*', async (route) => {
    if (refused) return route.continue();
    refused = true;
    await route.fulfill({
      status: 403,
      json: { type: 'prove', title: 'Show again who you are.', status: 403, id: 'x' },
    });
  });
  await page.getByRole('button', { name: 'Delete the passkey office laptop' }).click();
  await page.getByRole('button', { name: words.prove_passkey }).click();
  await expect.poll(() => page.getByText('office laptop').count()).toBe(0);
  expect(pia.faults).toEqual([]);
  await pia.end();
});

test('the audit log is searched by person and action, tells what changed, and is exported', async () => {
  const { page } = visit;
  const { id } = await newUser(page, 'olga');
  await page.request.patch(`${core.url}/api/v1/users/${id}`, {
    data: { access: { admin: false, everywhere: 'analyst', clients: [] } },
    headers: { 'X-Socme': '1' },
  });
  await page.goto(`${core.url}/audit`);
  await page.getByLabel(words.audit_what).selectOption('user.change');
  await page.waitForURL((url) => url.searchParams.get('action') === 'user.change');
  await row('olga').getByText('guest').waitFor();
  await row('olga').getByText('analyst at all clients').waitFor();
  await expect.poll(() => row('user.create').count()).toBe(0);
  await page.getByLabel(words.time_to, { exact: true }).fill('2020-01-01T00:00');
  await page.getByText(words.audit_none).waitFor();
  await page.goBack();
  await row('olga').waitFor();
  await row('olga').getByRole('button', { name: 'admin' }).click();
  await page.waitForURL((url) => url.searchParams.has('user'));
  await row('olga').waitFor();

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: words.audit_export }).click(),
  ]);
  const lines: string[] = [];
  for await (const piece of await download.createReadStream()) lines.push(...String(piece).trim().split('\n'));
  expect(lines.map((line) => (JSON.parse(line) as { action: string }).action)).toEqual(['user.change']);
  await page.getByRole('button', { name: words.drop_all }).click();
  await row('audit.export').waitFor();
  await page.getByRole('heading', { name: words.audit_head }).waitFor();
  expect(visit.faults).toEqual([]);
});

test('hostile and very long names are text on every page', async () => {
  const { page } = visit;
  const names = ['<script>alert(1)</script>', 'evil\u202Egpj.exe \u200f', '𝕎'.repeat(64), '字'.repeat(64)];
  const users = [];
  for (const name of names) {
    users.push(await newUser(page, name));
    await newKey(page, name);
  }
  for (const path of ['/users', '/keys', '/me', '/audit', ...users.map(({ id }) => `/users/${id}`)]) {
    await page.goto(core.url + path);
    await page.getByRole('heading').first().waitFor();
    await page.waitForLoadState('networkidle', { timeout: 2000 }).catch(() => {});
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(over, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
    expect(await page.locator('main').innerText()).not.toContain('\u202E');
    await visit.picture(`hostile${path.replaceAll('/', '-')}`);
  }
  await page.goto(`${core.url}/users`);
  await page.getByText('<script>alert(1)</script>').waitFor();

  // A name that nobody can type is deleted by typing what is shown.
  await page.goto(`${core.url}/users/${users[1]!.id}`);
  await page.getByRole('button', { name: words.user_delete, exact: true }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('evil⟨U+202E⟩gpj.exe ⟨U+200F⟩');
  await page.getByRole('dialog').getByRole('button', { name: words.user_delete_now }).click();
  await page.waitForURL((url) => url.pathname === '/users');

  const invited = await Visit.begin(core.url);
  await accept(invited, users[2]!.url);
  await invited.page.getByRole('heading', { name: words.guest_title }).waitFor();
  await invited.picture('hostile-guest');
  expect([...visit.faults, ...invited.faults]).toEqual([]);
  await invited.end();
});
