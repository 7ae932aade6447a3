import { ask, http } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { Command, Node, NotAsked } from '$lib/api/schema';
import { live } from '$lib/live.svelte';
import { isRunning } from '../commands/history.svelte';
import { nodeObstacle } from './search';

/** Commands of which an answer is fetched at a time. */
const AT_ONCE = 6;

/** One question put to many nodes: who was asked, how far each is, and what it found. */
export class Asked {
  commands = $state.raw<Command[]>([]);
  nodes = $state.raw<Node[]>([]);
  notAsked = $state.raw<NotAsked[]>([]);
  loaded = $state(false);
  problem = $state<Problem | null>(null);
  readonly cve: string;
  readonly ids: readonly number[];
  readonly #client: number | undefined;
  #busy = false;
  #again = false;
  #stopped = false;

  constructor(cve: string, ids: readonly number[], client?: number, notAsked?: NotAsked[]) {
    this.cve = cve;
    this.ids = ids;
    this.#client = client;
    if (notAsked) this.notAsked = notAsked;
  }

  /** Follows until everybody has answered; returns how to stop. For `$effect`. */
  follow(): () => void {
    this.#stopped = false;
    void this.read();
    const ours = (node: number) => this.commands.some((command) => command.node === node && isRunning(command));
    const stops = [
      live.on('commands', ({ node }) => {
        if (ours(node)) void this.read();
      }),
      live.on('hello', () => void this.read()),
      live.on('reset', () => void this.read()),
    ];
    const timer = setInterval(() => {
      if (this.commands.some(isRunning)) void this.read();
    }, 10_000);
    return () => {
      this.#stopped = true;
      stops.forEach((stop) => stop());
      clearInterval(timer);
    };
  }

  /** Reads how everybody stands, then the answers that are not here yet. */
  read = async (): Promise<void> => {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    try {
      const [listed] = await Promise.all([this.#list(), this.#readNodes()]);
      const known = new Map(this.commands.map((command) => [command.id, command]));
      // A list has no answers: one that is here already stays.
      this.commands = listed.map((command) => ({ ...command, answer: known.get(command.id)?.answer ?? null }));
      this.loaded = true;
      await this.#answers();
      this.problem = null;
    } catch (error) {
      this.problem = Problem.of(error);
    } finally {
      this.#busy = false;
      if (this.#again && !this.#stopped) {
        this.#again = false;
        void this.read();
      }
    }
  };

  async #list(): Promise<Command[]> {
    const wanted = new Set(this.ids);
    const least = Math.min(...this.ids);
    const found: Command[] = [];
    let cursor: number = this.ids.length ? Math.max(...this.ids) + 1 : 0;
    while (cursor > least && !this.#stopped) {
      const query = { deed: 'find_vulnerable', subject: this.cve, cursor, limit: 200 };
      const { commands }: { commands: Command[] } = await ask(http.GET('/api/v1/commands', { params: { query } }));
      found.push(...commands.filter(({ id }) => wanted.has(id)));
      cursor = commands.length === 200 ? (commands.at(-1)?.id ?? 0) : 0;
    }
    return found.sort((a, b) => a.id - b.id);
  }

  async #readNodes(): Promise<void> {
    if (this.nodes.length) return;
    this.nodes = (await ask(http.GET('/api/v1/nodes', { params: { query: { client: this.#client } } }))).nodes;
  }

  async #answers(): Promise<void> {
    const missing = this.commands.filter(({ state, answer }) => state === 'done' && answer == null);
    while (missing.length && !this.#stopped) {
      const some = missing.splice(0, AT_ONCE);
      const read = await Promise.all(
        some.map(({ id }) => ask(http.GET('/api/v1/commands/{id}', { params: { path: { id } } }))),
      );
      const fresh = new Map(read.map((command) => [command.id, { ...command, answer: command.answer ?? {} }]));
      this.commands = this.commands.map((command) => fresh.get(command.id) ?? command);
    }
  }

  /** Those who could not be asked, and why; after a reload as far as it can still be told. */
  get silent(): NotAsked[] {
    if (this.notAsked.length) return this.notAsked;
    const asked = new Set(this.commands.map(({ node }) => node));
    return this.nodes.flatMap((node) => {
      const why = asked.has(node.id) ? null : nodeObstacle(node);
      return why ? [{ node: node.id, node_name: node.name, client_name: node.client_name, why }] : [];
    });
  }
}
