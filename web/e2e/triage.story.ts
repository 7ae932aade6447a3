import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { closeBrowser, setUp, Visit, words } from './support/browser';
import { alert, Core, type Node } from './support/core';
import { newClient } from './support/api';

let core: Core;
let node: Node;
let visit: Visit;

const MANY = 450;

/** How many alerts the core counts for a query. */
async function counted(q: string): Promise<number> {
  const answer = await visit.page.request.get(`${core.url}/api/v1/alerts/count?q=${encodeURIComponent(q)}`);
  return ((await answer.json()) as { count: number }).count;
}

beforeAll(async () => {
  core = await Core.start();
  visit = await Visit.begin(core.url);
  await setUp(visit, core.setUpLink);
  node = core.node('sensor');
  node.enrol(await newClient(visit.page, 'Client A'));
  node.start();
  // Another address each, rules of few alerts a minute: nothing of it is folded away.
  for (let n = 0; n < MANY; n += 1)
    node.write(alert(n, { sid: 2_000_000 + (n % 9), signature: `Rule ${n % 9}`, severity: 1 + (n % 3) }));
  await vi.waitUntil(async () => (await counted('')) === MANY, { timeout: 60_000, interval: 100 });
});
afterAll(async () => {
  await core?.end();
  await closeBrowser();
});

test('an alert is found by filters that live in the address, dealt with by the keyboard, and tells who did what', async () => {
  const { page } = visit;
  await page.goto(`${core.url}/alerts`);
  const grid = page.getByRole('grid', { name: words.alert_list });
  await grid.getByText('Rule 8').first().waitFor();

  // What there is, seen from above.
  await page
    .getByRole('button', { name: /^Rule 4/ })
    .filter({ hasText: '50' })
    .waitFor();
  await page.getByRole('region', { name: words.histogram_label }).waitFor();

  // A filter by the keyboard; it stands in the address, and going back takes it away.
  await page.keyboard.press('/');
  await page.keyboard.type('severity:high');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.searchParams.get('q') === 'severity:high');
  await expect.poll(() => grid.getByText('Rule 1', { exact: true }).count()).toBe(0);
  await grid.getByText('Rule 3', { exact: true }).first().waitFor();
  await page.reload();
  await grid.getByText('Rule 3', { exact: true }).first().waitFor();
  await page.goBack();
  await grid.getByText('Rule 1', { exact: true }).first().waitFor();

  // A query that is wrong says where and what to do.
  await page.keyboard.press('/');
  await page.keyboard.type('severity:purple');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').filter({ hasText: 'purple' }).first().waitFor();
  await page.goto(`${core.url}/alerts`);
  await grid.getByText('Rule 8').first().waitFor();

  // Down, down, open, acknowledge, close again; the row is where it was.
  await grid.focus();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  const second = await grid.locator('[role=row][aria-rowindex="2"]').getAttribute('id');
  await expect.poll(() => grid.getAttribute('aria-activedescendant')).toBe(second);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/alerts\/\d+\/[0-9a-f-]{36}/);
  await page.getByText('signature_id').first().waitFor();
  await visit.picture('details');
  await page.keyboard.press('e');
  await page.getByText('admin', { exact: false }).first().waitFor();
  await page.keyboard.press('c');
  await page.getByRole('dialog').getByRole('textbox').fill('Looks like our own scanner.');
  await page.keyboard.press('Control+Enter');
  await page.getByText('Looks like our own scanner.').waitFor();
  await page.keyboard.press('Escape');
  await page.waitForURL((url) => url.pathname === '/alerts');
  await expect.poll(() => grid.getAttribute('aria-activedescendant')).toBe(second);

  // All of one rule at once, and taken back.
  await page.goto(`${core.url}/alerts?q=${encodeURIComponent('rule:2000004')}`);
  await grid.getByText('Rule 4', { exact: true }).first().waitFor();
  await grid.focus();
  await page.keyboard.press('j');
  await page.keyboard.press('*');
  await page.keyboard.press('a');
  await page.getByText('50 selected').waitFor();
  await page.keyboard.press('e');
  await expect.poll(() => counted('rule:2000004 state:acknowledged')).toBe(50);
  await page.getByRole('button', { name: words.undo }).first().waitFor();
  await page.keyboard.press('z');
  await expect.poll(() => counted('rule:2000004 state:acknowledged')).toBe(0);

  // Closed with a word.
  await page.keyboard.press('x');
  await page.keyboard.press('Shift+E');
  await page.getByRole('dialog').getByRole('textbox').fill('False alarm.');
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => counted('state:closed')).toBe(1);
  expect(visit.faults).toEqual([]);
});

test('the list goes on to its end, page after page, and each alert is there once', async () => {
  const { page } = visit;
  await page.goto(`${core.url}/alerts`);
  const grid = page.getByRole('grid', { name: words.alert_list });
  await grid.getByText('Rule 8').first().waitFor();
  const seen = new Set<string>();
  for (;;) {
    for (const id of await grid.locator('[role=row][id]').evaluateAll((rows) => rows.map((row) => row.id)))
      seen.add(id);
    if (seen.size >= MANY) break;
    await grid.evaluate((list) => list.scrollBy({ top: list.clientHeight - 80 }));
    const size = seen.size;
    await expect
      .poll(async () =>
        (await grid.locator('[role=row][id]').evaluateAll((rows) => rows.map((row) => row.id))).some(
          (id) => !seen.has(id),
        ),
      )
      .toBe(true);
    expect(seen.size).toBe(size);
  }
  expect(seen.size).toBe(MANY);
});

test('what arrives while one reads waits behind a count and moves nothing', async () => {
  const { page } = visit;
  await page.goto(`${core.url}/alerts`);
  const grid = page.getByRole('grid', { name: words.alert_list });
  await grid.getByText('Rule 8').first().waitFor();
  await grid.focus();
  await page.keyboard.press('j');
  const rows = () => grid.locator('[role=row][id]').evaluateAll((all) => all.slice(0, 10).map((row) => row.id));
  const before = await rows();
  node.write(alert(9001, { signature: 'Just in' }), alert(9002, { signature: 'Just in too' }));
  await page.getByRole('button', { name: /2 new/ }).waitFor();
  expect(await rows()).toEqual(before);
  await visit.picture('new');
  await page.keyboard.press('n');
  await grid.getByText('Just in too').waitFor();
});

test('everything is found from the keyboard, and nothing of it breaks the content security policy', async () => {
  const { page } = visit;
  await page.goto(`${core.url}/`);
  await page.getByRole('heading', { name: words.page_home }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog').getByText(words.key_acknowledge, { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog').getByRole('combobox').fill('client a');
  await page.getByRole('option', { name: /Client A/ }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.searchParams.get('q')?.includes('client:client-a') ?? false);
  await page.keyboard.press('g');
  await page.keyboard.press('n');
  await page.waitForURL((url) => url.pathname === '/nodes');
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog').getByRole('combobox').fill('rule 7');
  await page.getByRole('option', { name: /rule Rule 7/ }).waitFor();
  await visit.picture('palette');
  await page
    .getByRole('option', { name: /Rule 7.*Client A/ })
    .first()
    .click();
  await page.waitForURL(/\/alerts\/\d+\/[0-9a-f-]{36}/);
  expect(visit.faults).toEqual([]);
});

test('a core that goes away is said, and the page catches up when it is back', async () => {
  const { page } = visit;
  await page.goto(`${core.url}/alerts`);
  await page.getByText(/^live since/).waitFor();
  await core.halt();
  await page
    .getByText(/reconnecting/i)
    .first()
    .waitFor();
  await visit.picture('reconnecting');
  node.write(alert(9003, { signature: 'Meanwhile' }));
  await core.launch();
  await page.getByText(/^live since/).waitFor();
  await page.getByRole('row').filter({ hasText: 'Meanwhile' }).waitFor();
});
