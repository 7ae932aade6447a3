import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientId, newClient, newUser } from './support/api';
import { accept, closeBrowser, setUp, Visit, words } from './support/browser';
import { alert, Core } from './support/core';

let core: Core;
/** The administrator's browser. */
let admin: Visit;

beforeAll(async () => {
  core = await Core.start();
  admin = await Visit.begin(core.url);
  await setUp(admin, core.setUpLink);
  for (const [n, name] of ['Client A', 'Client B'].entries()) {
    const node = core.node(`sensor-${n}`);
    node.enrol(await newClient(admin.page, name));
    node.start();
    node.write(alert(n, { signature: `Seen at ${name}` }));
  }
  await admin.page.goto(`${core.url}/alerts`);
  for (const name of ['Client A', 'Client B'])
    await admin.page
      .getByRole('row')
      .filter({ hasText: `Seen at ${name}` })
      .waitFor();
});
afterAll(async () => {
  await core?.end();
  await closeBrowser();
});

const row = (visit: Visit, text: string) => visit.page.getByRole('row').filter({ hasText: text });

/** Chooses a role at a client in the editor of a user's rights. */
async function give(visit: Visit, client: string, role: string): Promise<void> {
  await visit.page.getByRole('radiogroup', { name: client }).getByText(role, { exact: true }).click();
}

test('a viewer is invited for one client, sees that one alone, is given another, and is out when disabled', async () => {
  const { page } = admin;
  await page.goto(`${core.url}/users`);
  await page.getByText(words.users_alone, { exact: true }).waitFor();
  await admin.picture('users-alone');
  await page.getByRole('button', { name: words.invite }).click();
  await page.getByLabel(words.user_name, { exact: true }).fill('vera');
  await give(admin, 'Client A', words.role_viewer);
  await admin.picture('invite');
  await page.getByRole('button', { name: words.invite_submit }).click();
  const link = await page.getByLabel(words.invitation_link).innerText();
  await admin.picture('invite-link');
  await page.getByRole('button', { name: words.done }).click();
  await row(admin, 'vera').getByText('Client A: Viewer').last().waitFor();

  const vera = await Visit.begin(core.url, { locale: 'en-GB' });
  await vera.page.goto(link);
  await vera.page.getByRole('heading', { name: 'Welcome, vera' }).waitFor();
  await vera.picture('invitation');
  await vera.page.getByLabel(words.passphrase, { exact: true }).fill('vera vera vera');
  await vera.page.getByRole('button', { name: words.invitation_submit }).click();
  await vera.page.getByText(words.said_passphrase_weak).waitFor();
  await accept(vera, link);

  await vera.page.goto(`${core.url}/alerts`);
  await row(vera, 'Seen at Client A').waitFor();
  expect(await vera.page.getByText('Client B').count()).toBe(0);
  await row(vera, 'Seen at Client A').click();
  await vera.page.getByText(words.read_only).waitFor();
  expect(await vera.page.getByRole('button', { name: words.acknowledge, exact: true }).count()).toBe(0);
  for (const name of [words.page_users, words.page_audit, words.page_health])
    expect(await vera.page.getByRole('link', { name }).count()).toBe(0);
  await vera.page.goto(`${core.url}/alerts`);

  // The link is used up.
  const other = await Visit.begin(core.url);
  await other.page.goto(link);
  await other.page.getByRole('heading', { name: words.invitation_dead }).waitFor();
  await other.picture('invitation-dead');
  await other.end();

  await row(admin, 'vera').getByRole('link').click();
  await page.getByRole('heading', { name: 'vera' }).waitFor();
  await give(admin, 'Client B', words.role_analyst);
  await page.getByRole('button', { name: words.save, exact: true }).click();
  await row(vera, 'Seen at Client B').waitFor();
  await row(vera, 'Seen at Client B').click();
  await vera.page.getByRole('button', { name: words.acknowledge, exact: true }).waitFor();
  await row(vera, 'Seen at Client A').click();
  await vera.page.getByText(words.read_only).waitFor();
  await vera.picture('viewer-here-analyst-there');

  // Of what is selected only what is theirs to change is changed.
  await vera.page.goto(`${core.url}/alerts`);
  for (const client of ['A', 'B']) await row(vera, `Seen at Client ${client}`).getByRole('checkbox').click();
  await vera.page.getByText('1 of them yours to change').waitFor();
  await vera.page.getByRole('toolbar').getByRole('button', { name: words.acknowledge, exact: true }).click();
  await row(vera, 'Seen at Client B').getByText(words.state_acknowledged).last().waitFor();
  await row(vera, 'Seen at Client A').getByText(words.state_open).last().waitFor();

  await page.getByRole('button', { name: words.user_disable, exact: true }).click();
  await page.getByText(words.user_disabled, { exact: true }).waitFor();
  await vera.page.getByText(words.session_ended).waitFor();
  await vera.page.reload();
  await vera.page.waitForURL((url) => url.pathname === '/sign-in');
  await admin.picture('user-disabled');
  expect([...admin.faults, ...vera.faults]).toEqual([]);
  await vera.end();
});

test('a guest has their own page alone, until they are given a client', async () => {
  const { id, url } = await newUser(admin.page, 'gus');
  const gus = await Visit.begin(core.url);
  await accept(gus, url);
  await gus.page.getByRole('heading', { name: words.guest_title }).waitFor();
  await gus.picture('guest');
  await gus.page.getByRole('link', { name: words.page_me }).click();
  await gus.page.getByRole('heading', { name: words.me_sessions }).waitFor();
  await gus.page.goBack();
  await gus.page.getByRole('heading', { name: words.guest_title }).waitFor();

  await admin.page.goto(`${core.url}/users/${id}`);
  await give(admin, 'Client A', words.role_viewer);
  await admin.page.getByRole('button', { name: words.save, exact: true }).click();
  await gus.page.getByRole('heading', { name: words.page_home }).waitFor();
  await gus.page
    .getByText('Seen at Client A')
    .waitFor({ timeout: 2000 })
    .catch(() => {});

  await give(admin, 'Client A', words.duty_none);
  await admin.page.getByRole('button', { name: words.save, exact: true }).click();
  await gus.page.getByRole('heading', { name: words.guest_title }).waitFor();
  expect(await gus.page.getByText('Client A').count()).toBe(0);
  expect([...admin.faults, ...gus.faults]).toEqual([]);
  await gus.end();
});

test('the last administrator stays one, and a user is deleted by typing their name', async () => {
  const { page } = admin;
  const { id } = await newUser(page, 'short-lived');
  await page.goto(`${core.url}/users`);
  await row(admin, 'admin').getByRole('link').click();
  await page.getByLabel(words.access_all, { exact: false }).first().check();
  await page.getByRole('button', { name: words.save, exact: true }).click();
  await page.getByText(words.said_last_admin).waitFor();
  await admin.picture('last-administrator');

  await page.goto(`${core.url}/users/${id}`);
  await page.getByRole('button', { name: words.user_invite_again }).click();
  expect(await page.getByLabel(words.invitation_link).innerText()).toContain('/invitation#');
  await page.getByRole('button', { name: words.done }).click();
  await page.getByRole('button', { name: words.user_delete, exact: true }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('short-lived');
  await page.getByRole('dialog').getByRole('button', { name: words.user_delete_now }).click();
  await row(admin, 'vera').waitFor();
  expect(await row(admin, 'short-lived').count()).toBe(0);
  expect(admin.faults).toEqual([]);
});

test('two hundred users are listed, and found while one types', async () => {
  const { page } = admin;
  const client = await clientId(page, 'Client A');
  for (let n = 0; n < 200; n += 1)
    await newUser(page, `person-${String(n).padStart(3, '0')}`, n % 3 ? { clients: [{ client, role: 'viewer' }] } : {});
  await page.goto(`${core.url}/users`);
  await row(admin, 'person-199').waitFor();
  await admin.picture('users-200');
  await page.getByLabel(words.users_search).fill('person-17');
  await expect.poll(() => page.getByRole('row').count()).toBe(11);
  expect(admin.faults).toEqual([]);
});

test('users are found by name and by client, with the keyboard alone', async () => {
  const { page } = admin;
  const client = await clientId(page, 'Client B');
  await newUser(page, 'boris', { clients: [{ client, role: 'viewer' }] });
  await page.goto(`${core.url}/`);
  await page.getByRole('heading', { name: words.page_home }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('u');
  await row(admin, 'boris').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('client b');
  await expect.poll(() => row(admin, 'gus').count()).toBe(0);
  await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe('client b');
  await page.keyboard.press('Escape');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'boris' }).waitFor();
  await page.keyboard.press('u');
  await row(admin, 'boris').waitFor();
  expect(admin.faults).toEqual([]);
});
