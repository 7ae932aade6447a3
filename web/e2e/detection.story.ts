import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeBrowser, Visit, words } from './support/browser';
import { Program, root, run } from './support/program';

/** How many packets are sent and waited for. */
const SAMPLES = 30;

interface Running {
  url: string;
  sign_in: string;
  dir: string;
}

const folder = mkdtempSync(join(tmpdir(), 'socme-demo-'));
let demo: Program;
let running: Running;

beforeAll(async () => {
  demo = new Program('demo', '--quiet', '--json', '--dir', folder);
  running = JSON.parse((await demo.line(/^\{"pid".*$/))[0]) as Running;
});
afterAll(async () => {
  await demo?.stop();
  await closeBrowser();
  rmSync(folder, { recursive: true, force: true });
});

test('a packet that Suricata sees becomes a row before the analyst’s eyes, most often within a second', async () => {
  const visit = await Visit.begin(running.url);
  const { page } = visit;
  await page.goto(running.sign_in);
  await page.waitForURL((url) => url.pathname === '/');
  await page.goto(`${running.url}/alerts`);
  await page.getByRole('grid', { name: words.alert_list }).waitFor();

  const waits: number[] = [];
  for (let n = 1; n <= SAMPLES; n += 1) {
    const from = `203.0.113.${n}`;
    // Noted by the page itself, in the frame in which the row is there.
    const shown = page.evaluate(
      (address) =>
        new Promise<number>((resolve) => {
          const look = () => {
            const cells = document.querySelectorAll('[role=grid] .cell-ends');
            if (![...cells].some((cell) => cell.getAttribute('title')?.startsWith(`${address}:`))) return false;
            requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
            return true;
          };
          if (look()) return;
          const observer = new MutationObserver(() => {
            if (look()) observer.disconnect();
          });
          observer.observe(document.body, { subtree: true, childList: true, attributes: true });
        }),
      from,
    );
    const sent = JSON.parse(run('demo-traffic', 'one', '--scenario', 'test', '--from', from, '--dir', running.dir)) as {
      sent_ns: number;
      problems: string[];
    };
    expect(sent.problems).toEqual([]);
    waits.push((await shown) - sent.sent_ns / 1e6);
  }
  await visit.picture('detection');
  waits.sort((a, b) => a - b);
  const at = (share: number) => Math.round(waits[Math.min(waits.length - 1, Math.floor(waits.length * share))]!);
  const line = `packet to visible row, ${SAMPLES} samples: median ${at(0.5)} ms, 95th percentile ${at(0.95)} ms, longest ${at(1)} ms`;
  process.stdout.write(`${line}\n`);
  appendFileSync(`${root}target/test/latency.txt`, `${line}\n`);

  // The sensor's own words are behind the row.
  await page
    .getByRole('row')
    .filter({ hasText: `203.0.113.${SAMPLES}` })
    .first()
    .click();
  await page.getByText('SOCme test', { exact: false }).first().waitFor();
  await expect.poll(() => page.getByText('signature_id').count()).toBeGreaterThan(0);
  expect(visit.faults).toEqual([]);
  await visit.end();
});

test('the three nodes of the demo are online, with what Suricata says of itself', async () => {
  const visit = await Visit.begin(running.url);
  const { page } = visit;
  await page.goto(run('core', '--config', join(running.dir, 'core/core.toml'), 'sign-in-link').trim());
  await page.waitForURL((url) => url.pathname === '/');
  await page.goto(`${running.url}/nodes`);
  await expect.poll(() => page.getByText(words.node_online, { exact: true }).count()).toBe(3);
  await page.getByRole('link', { name: 'acme-1' }).click();
  await page.getByRole('heading', { name: 'Suricata' }).waitFor();
  await visit.picture('node');
  expect(visit.faults).toEqual([]);
  await visit.end();
});
