import { afterAll, beforeAll, expect, test } from 'vitest';
import french from '../messages/fr.json';
import { newClient } from './support/api';
import { closeBrowser, setUp, Visit, words } from './support/browser';
import { alert, Core } from './support/core';

let core: Core;

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
  await visit.end();
});
afterAll(async () => {
  await core?.end();
  await closeBrowser();
});

const PAGES = ['/', '/alerts', '/clients', '/nodes', '/health', '/audit'];

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
  for (const path of PAGES) {
    await page.goto(core.url + path);
    await page.getByRole('main').waitFor();
    await page.waitForLoadState('networkidle', { timeout: 2000 }).catch(() => {});
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(over, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
    await visit.picture(`${name}${path.replaceAll('/', '-')}`);
  }
  await page.goto(`${core.url}/alerts`);
  await page.getByRole('row').filter({ hasText: 'Story rule 59' }).click();
  await page.getByText('signature_id').first().waitFor();
  await page.getByRole('button', { name: word.acknowledge }).first().waitFor();
  await visit.picture(`${name}-details`);
  expect(visit.faults).toEqual([]);
  await visit.end();
});
