import { afterAll, beforeAll, expect, test } from 'vitest';
import french from '../messages/fr.json';
import { newClient, newKey, newUser } from './support/api';
import { closeBrowser, setUp, Visit, words } from './support/browser';
import { alert, Core } from './support/core';

let core: Core;
/** The page of a user with some of everything. */
let analyst = '';

beforeAll(async () => {
  core = await Core.start();
  const visit = await Visit.begin(core.url);
  await setUp(visit, core.setUpLink);
  const node = core.node('sensor');
  node.enrol(await newClient(visit.page, 'Client A'));
  node.start();
  for (let n = 0; n < 60; n += 1) node.write(alert(n, { severity: 1 + (n % 3) }));
  await visit.page.goto(`${core.url}/alerts`);
  await visit.page.getByRole('row').filter({ hasText: 'Story rule 59' }).waitFor();
  const { page } = visit;
  for (const name of ['Client B', 'Bakery Münster & Sons', 'Harbour authority of the northern islands'])
    await newClient(page, name);
  const given = [2, 3, 4, 5].map((client) => ({
    client,
    role: client % 2 ? ('viewer' as const) : ('analyst' as const),
  }));
  const { id } = await newUser(page, 'anna.lindqvist', { clients: given });
  analyst = `/users/${id}`;
  await newUser(page, 'second-admin', { admin: true });
  await newUser(page, 'vera', { everywhere: 'viewer' });
  await newUser(page, 'gus');
  const off = await newUser(page, 'left-the-company', { clients: given.slice(0, 1) });
  const change = { data: { disabled: true }, headers: { 'X-Socme': '1' } };
  await page.request.patch(`${core.url}/api/v1/users/${off.id}`, change);
  const secret = await newKey(page, 'weekly report on the office server', { valid_days: 90, clients: [2, 3] });
  await fetch(`${core.url}/api/v1/alerts`, { headers: { Authorization: `Bearer ${secret}` } });
  await newKey(page, 'backup checker');
  const why = { why: 'Case 118/2026 of the regional court, see the letter in the safe. '.repeat(6) };
  await page.request.put(`${core.url}/api/v1/clients/2/hold`, { data: why, headers: { 'X-Socme': '1' } });
  await visit.end();
});
afterAll(async () => {
  await core?.end();
  await closeBrowser();
});

const PAGES = ['/', '/alerts', '/clients', '/clients/2', '/nodes', '/health', '/users', '/keys', '/audit', '/me'];

const looks = [
  { name: 'wide-light', options: { colorScheme: 'light' } },
  { name: 'wide-dark', options: { colorScheme: 'dark', viewport: { width: 1920, height: 1080 } } },
  { name: 'phone-light', options: { colorScheme: 'light', viewport: { width: 390, height: 844 }, hasTouch: true } },
  {
    name: 'phone-dark-fr',
    options: { colorScheme: 'dark', viewport: { width: 360, height: 740 }, hasTouch: true, locale: 'fr-FR' },
  },
] as const;

test.each(looks)('each page fits: $name', async ({ name, options }) => {
  const visit = await Visit.begin(core.url, options);
  const { page } = visit;
  const word = 'locale' in options ? french : words;
  await page.goto(core.signInLink());
  await page.waitForURL((url) => url.pathname === '/');
  for (const path of [...PAGES, analyst]) {
    await page.goto(core.url + path);
    await page.getByRole('main').waitFor();
    await page.waitForLoadState('networkidle', { timeout: 2000 }).catch(() => {});
    const over = await page.evaluate(() => {
      const { scrollWidth, clientWidth, scrollHeight, clientHeight } = document.documentElement;
      return { right: scrollWidth - clientWidth, below: scrollHeight - clientHeight };
    });
    expect(over.right, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
    // What is long scrolls within its page: the document itself never moves.
    expect(over.below, `${path} is higher than the screen`).toBeLessThanOrEqual(0);
    await visit.picture(`${name}${path.replaceAll('/', '-')}`);
  }
  await page.goto(`${core.url}/alerts`);
  await page.getByRole('row').filter({ hasText: 'Story rule 59' }).click();
  await page.getByText('signature_id').first().waitFor();
  await page.getByRole('button', { name: word.acknowledge }).first().waitFor();
  await visit.picture(`${name}-details`);
  for (const [path, button, dialog] of [
    ['/users', word.invite, 'invite'],
    ['/me', word.api_key_new, 'new-key'],
  ] as const) {
    await page.goto(core.url + path);
    await page.getByRole('button', { name: button }).click();
    await page.getByRole('dialog').getByRole('textbox').first().fill('nina');
    await visit.picture(`${name}-${dialog}`);
  }
  expect(visit.faults).toEqual([]);
  await visit.end();
});
