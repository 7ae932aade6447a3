import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The program under test. */
export const socme = process.env.SOCME ?? `${root}target/debug/socme`;

/** Runs the program to its end; fails with its words. */
export function run(...args: string[]): string {
  const done = spawnSync(socme, args, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`socme ${args.join(' ')}: ${done.status}\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

/** The program, running. */
export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #said = '';
  #waiting: (() => void)[] = [];

  constructor(...args: string[]) {
    this.#child = spawn(socme, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const hear = (piece: Buffer) => {
      this.#said += piece.toString();
      for (const wake of this.#waiting.splice(0)) wake();
    };
    this.#child.stdout?.on('data', hear);
    this.#child.stderr?.on('data', hear);
    this.#ended = new Promise((resolve) =>
      this.#child.on('exit', () => {
        resolve();
        for (const wake of this.#waiting.splice(0)) wake();
      }),
    );
  }

  /** Waits until a line matches; fails with all that was said if the program ends before. */
  async line(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const found = this.#said
        .split('\n')
        .map((line) => line.match(pattern))
        .find((match) => match !== null);
      if (found) return found;
      if (this.#child.exitCode !== null) throw new Error(`it ended (${this.#child.exitCode}):\n${this.#said}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
    await this.#ended;
  }
}

/** Ports that nobody has. */
export async function freePorts(many: number): Promise<number[]> {
  const servers = Array.from({ length: many }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
