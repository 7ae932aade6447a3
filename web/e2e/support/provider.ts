import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A real provider of identities, on loopback. */
export class Provider {
  readonly issuer: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, issuer: string) {
    this.#child = child;
    this.issuer = issuer;
  }

  /** Starts one that sends people back to these addresses. */
  static async start(redirects: string[], accounts: object): Promise<Provider> {
    const script = fileURLToPath(new URL('oidc-provider.mjs', import.meta.url));
    const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.write(`${JSON.stringify({ redirects, accounts })}\n`);
    for await (const line of createInterface({ input: child.stdout })) {
      return new Provider(child, (JSON.parse(line) as { issuer: string }).issuer);
    }
    throw new Error('the provider said nothing');
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin?.end();
    await ended;
  }
}
