import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, Program, run } from './program';

/** A core of its own, in a folder that goes with it. */
export class Core {
  readonly folder = mkdtempSync(join(tmpdir(), 'socme-story-'));
  url = '';
  /** The link with which the first administrator is made. */
  setUpLink = '';
  #program: Program | null = null;
  #nodes: Node[] = [];

  /** Starts one; `more` is added to the section «people» of its file. */
  static async start(more = ''): Promise<Core> {
    const core = new Core();
    const [people, nodes, metrics] = await freePorts(3);
    writeFileSync(
      join(core.folder, 'core.toml'),
      `data = "${core.folder}/core"\n[people]\nlisten = "127.0.0.1:${people}"\n${more}\n` +
        `[nodes]\nlisten = "127.0.0.1:${nodes}"\n[metrics]\nlisten = "127.0.0.1:${metrics}"\n`,
    );
    core.url = `http://localhost:${people}`;
    await core.launch();
    const [link] = await core.#program!.line(/http\S+\/setup#\S+/);
    core.setUpLink = link;
    return core;
  }

  async launch(): Promise<void> {
    this.#program = new Program('core', '--config', join(this.folder, 'core.toml'));
    await this.#program.line(/the core runs/);
  }

  /** Stops the core alone; {@link launch} starts it again. */
  async halt(): Promise<void> {
    await this.#program?.stop();
  }

  /** A link that signs in, once. */
  signInLink(): string {
    return run('core', '--config', join(this.folder, 'core.toml'), 'sign-in-link').trim();
  }

  node(name: string): Node {
    const node = new Node(join(this.folder, name));
    this.#nodes.push(node);
    return node;
  }

  async end(): Promise<void> {
    for (const node of this.#nodes) await node.stop();
    await this.halt();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A node that follows an EVE file which the story writes. */
export class Node {
  readonly config: string;
  readonly eve: string;
  #program: Program | null = null;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.config = join(folder, 'node.toml');
    this.eve = join(folder, 'eve.json');
    writeFileSync(this.eve, '');
    writeFileSync(
      this.config,
      `data = "${folder}/data"\n[[source]]\nkind = "suricata"\npath = "${this.eve}"\nstart = "beginning"\n`,
    );
  }

  enrol(token: string): void {
    run('node', 'enrol', token, '--config', this.config);
  }

  /** Adds to its file: keys before its tables, and tables. */
  settings(tables: string, keys = ''): void {
    writeFileSync(this.config, keys + readFileSync(this.config, 'utf8') + tables);
  }

  start(): void {
    this.#program = new Program('node', 'run', '--config', this.config);
  }

  write(...events: object[]): void {
    appendFileSync(this.eve, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  }

  async stop(): Promise<void> {
    await this.#program?.stop();
  }
}

interface Alert {
  signature?: string;
  sid?: number;
  severity?: number;
  /** Whatever else the record has. */
  [field: string]: unknown;
}

/** An alert as Suricata 7 writes it. */
export function alert(n: number, more: Alert = {}): object {
  const { signature = `Story rule ${n}`, sid = 1_000_000 + n, severity = 2, ...rest } = more;
  return {
    timestamp: new Date().toISOString().replace(/\.(\d{3})Z$/, '.$1000+0000'),
    flow_id: n,
    event_type: 'alert',
    src_ip: `192.0.2.${(n % 250) + 1}`,
    src_port: 40_000 + (n % 20_000),
    dest_ip: '198.51.100.7',
    dest_port: 443,
    proto: 'TCP',
    alert: { action: 'allowed', gid: 1, signature_id: sid, rev: 1, signature, category: 'Misc activity', severity },
    ...rest,
  };
}
