import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Node } from './core';
import { root } from './program';

interface Places {
  url: string;
  fingerprint: string;
  control: string;
  indexer: string;
}

/** An imitation of a Wazuh manager and its indexer: one cannot be installed from package registries. */
export class Manager {
  readonly #child: ChildProcess;
  readonly #places: Places;

  private constructor(child: ChildProcess, places: Places) {
    this.#child = child;
    this.#places = places;
  }

  static async start(): Promise<Manager> {
    const child = spawn(`${root}target/debug/examples/manager`, { stdio: ['pipe', 'pipe', 'ignore'] });
    for await (const line of createInterface({ input: child.stdout })) {
      return new Manager(child, JSON.parse(line) as Places);
    }
    throw new Error('the imitation said nothing');
  }

  /** Puts it beside a node that has not started, which may do all of `allow`. */
  beside(node: Node, allow: string[]): void {
    const folder = dirname(node.config);
    const [api, indexer] = [join(folder, 'api.password'), join(folder, 'indexer.password')];
    writeFileSync(api, 'wazuh-wui\n');
    writeFileSync(indexer, 'secret\n');
    const policy = join(folder, 'policy.toml');
    writeFileSync(policy, `allow = ${JSON.stringify(allow)}\n`);
    node.settings(
      `[wazuh]\nlook_seconds = 5\n[wazuh.api]\nurl = "${this.#places.url}"\nuser = "wazuh"\npassword_file = "${api}"\n` +
        `pin = "${this.#places.fingerprint}"\n[wazuh.indexer]\nurl = "${this.#places.indexer}"\nuser = "reader"\npassword_file = "${indexer}"\n`,
      `policy = "${policy}"\n`,
    );
  }

  /** Changes an agent, or adds one. */
  async agent(id: string, fields: object): Promise<void> {
    const answer = await fetch(`${this.#places.control}/imitation/agents/${id}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fields),
    });
    if (!answer.ok) throw new Error(`the imitation says ${answer.status}`);
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin?.end();
    await ended;
  }
}
