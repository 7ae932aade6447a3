import { afterAll, beforeAll, expect, test } from 'vitest';
import { newClient } from './support/api';
import { closeBrowser, setUp, Visit, words } from './support/browser';
import { alert, Core } from './support/core';

let core: Core;
let visit: Visit;

/** Markup, escape sequences, direction overrides, and what breaks out of attributes, scripts and URLs. */
const HOSTILE =
  `<img src=x onerror="alert(1)"><script>alert(2)</script>"'\`}{{7*7}} javascript:alert(3) ` +
  `\u001b[31mred\u001b[0m \u202Egpj.exe \u200b \u0000 ${'🦊'.repeat(3)} </bdi></style><svg onload=alert(4)>`;

beforeAll(async () => {
  core = await Core.start();
  visit = await Visit.begin(core.url);
  await setUp(visit, core.setUpLink);
  const node = core.node('sensor');
  node.enrol(await newClient(visit.page, '<b>Client</b> & "Sons"'));
  node.start();
  node.write(
    alert(1, {
      signature: `${HOSTILE} ${'long '.repeat(400)}`,
      http: { hostname: HOSTILE, url: `/${HOSTILE}`, http_user_agent: HOSTILE },
      dns: { query: [{ rrname: HOSTILE }] },
      payload_printable: HOSTILE,
      app_proto: HOSTILE,
      in_iface: HOSTILE,
      metadata: { [HOSTILE]: HOSTILE },
    }),
    alert(2, { signature: 'Time far ahead', timestamp: '9999-12-31T23:59:59.999999+0000' }),
    alert(3, { signature: 'Time long ago', timestamp: '1971-01-01T00:00:00.000000+0000' }),
  );
});
afterAll(async () => {
  await core?.end();
  await closeBrowser();
});

test('what attackers wrote is text on every page, and nothing of it runs', async () => {
  const { page } = visit;
  await page.goto(`${core.url}/alerts`);
  const row = page.getByRole('row').filter({ hasText: '<img src=x onerror=' });
  await row.waitFor();
  await visit.picture('hostile-list');
  // What cannot be seen is made visible: a direction override would swap the letters of a file's name.
  expect(await row.innerText()).not.toContain('\u202E');
  await row.click();
  await page.getByText('payload_printable').first().waitFor();
  await visit.picture('hostile-details');
  const marks = await page.evaluate(() => ({
    scripts: document.querySelectorAll('script:not([src])').length,
    images: document.querySelectorAll('img').length,
    handlers: document.querySelectorAll('[onerror],[onload]').length,
  }));
  expect(marks).toEqual({ scripts: 0, images: 0, handlers: 0 });
  const links = await page.locator('a[href]').evaluateAll((all) => all.map((a) => (a as HTMLAnchorElement).protocol));
  expect(new Set(links)).toEqual(new Set(['http:']));

  for (const path of ['/', '/clients', '/nodes', '/audit', '/health']) {
    await page.goto(core.url + path);
    await page.getByRole('heading').first().waitFor();
  }
  await page.goto(`${core.url}/clients`);
  await page.getByText('<b>Client</b> & "Sons"').first().waitFor();
  expect(visit.faults).toEqual([]);
});

test('impossible times are kept, flagged, and sort by arrival', async () => {
  const { page } = visit;
  await page.goto(`${core.url}/alerts`);
  const row = page.getByRole('row').filter({ hasText: 'Time far ahead' });
  await row.getByText('⚠').waitFor();
  await page.getByRole('row').filter({ hasText: 'Time long ago' }).getByText('⚠').waitFor();
  await row.click();
  await page.getByText(words.flag_future).waitFor();
  expect(visit.faults).toEqual([]);
});
