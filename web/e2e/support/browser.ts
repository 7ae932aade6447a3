import { mkdirSync } from 'node:fs';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import words from '../../messages/en.json';
import { root } from './program';

export { words };

/** Pictures of pages, for people who look at a failed run. */
const pictures = `${root}target/test/pages`;

let browser: Browser | null = null;

/** A page of a fresh browser session, and what went wrong in it. */
export class Visit {
  readonly page: Page;
  /** Errors, refused contents, dialogs, requests to elsewhere: a page of ours has none of these. */
  readonly faults: string[] = [];

  private constructor(page: Page, origins: string[]) {
    this.page = page;
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => this.faults.push(`error: ${error.message}`));
    page.on('console', (message) => {
      // An answer that says no is told on the page; the console repeats it.
      const answered = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !answered) this.faults.push(`console: ${message.text()}`);
    });
    page.on('dialog', (dialog) => {
      this.faults.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      const url = request.url();
      if (!origins.some((origin) => url.startsWith(`${origin}/`)) && !/^(data|blob):/.test(url))
        this.faults.push(`request to ${url}`);
    });
  }

  /** Begins one; `others` are origins beside the core's that it may go to. */
  static async begin(origin: string, options: BrowserContextOptions = {}, others: string[] = []): Promise<Visit> {
    browser ??= await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
    });
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      locale: 'en-GB',
      timezoneId: 'Europe/Paris',
      ...options,
    });
    return new Visit(await context.newPage(), [new URL(origin).origin, ...others]);
  }

  async picture(name: string): Promise<void> {
    mkdirSync(pictures, { recursive: true });
    await this.page.screenshot({ path: `${pictures}/${name}.png` });
  }

  async end(): Promise<void> {
    await this.page.context().close();
  }
}

/** Makes the first administrator through the page. */
export async function setUp(visit: Visit, link: string): Promise<void> {
  const { page } = visit;
  await page.goto(link);
  await page.getByLabel(words.user_name, { exact: true }).fill('admin');
  await page.getByLabel(words.passphrase, { exact: true }).fill('three large boats at dawn');
  await page.getByRole('button', { name: words.setup_submit }).click();
  await page.waitForURL((url) => url.pathname === '/');
}

/** Takes up an invitation through its page. */
export async function accept(visit: Visit, link: string, passphrase = 'seven green lamps at noon'): Promise<void> {
  const { page } = visit;
  await page.goto(link);
  await page.getByLabel(words.passphrase, { exact: true }).fill(passphrase);
  await page.getByRole('button', { name: words.invitation_submit }).click();
  await page.waitForURL((url) => url.pathname === '/');
}

export async function closeBrowser(): Promise<void> {
  await browser?.close();
  browser = null;
}
