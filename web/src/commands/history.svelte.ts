import { ask, http } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { Command, Deed } from '$lib/api/schema';
import { live } from '$lib/live.svelte';

const PAGE = 50;

/** True while something may still become of it. */
export function isRunning(command: Pick<Command, 'state'>): boolean {
  return command.state === 'queued' || command.state === 'taken';
}

/** What a node was asked, about one of its hosts or altogether; latest first, and live. */
export class History {
  commands = $state.raw<Command[]>([]);
  loaded = $state(false);
  /** True if there are older ones. */
  more = $state(false);
  problem = $state<Problem | null>(null);
  readonly #node: number;
  readonly #agent: string | undefined;
  #reading = false;
  #again = false;

  constructor(node: number, agent?: string) {
    this.#node = node;
    this.#agent = agent;
  }

  /** Reads the latest ones, and again when one of them changes; returns how to stop. For `$effect`. */
  follow(): () => void {
    void this.read();
    const stops = [
      live.on('commands', ({ node }) => {
        if (node === this.#node) void this.read();
      }),
      live.on('hello', () => void this.read()),
      live.on('reset', () => void this.read()),
    ];
    // One that nobody takes expires without a word; and the stream may be down.
    const timer = setInterval(() => {
      if (this.commands.some(isRunning)) void this.read();
    }, 10_000);
    return () => {
      stops.forEach((stop) => stop());
      clearInterval(timer);
    };
  }

  read = async (): Promise<void> => {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    try {
      const page = await this.#page();
      const last = page.at(-1)?.id ?? 0;
      const older = page.length === PAGE ? this.commands.filter((command) => command.id < last) : [];
      if (!older.length) this.more = page.length === PAGE;
      this.commands = [...page, ...older];
      this.loaded = true;
      this.problem = null;
    } catch (error) {
      this.problem = Problem.of(error);
    } finally {
      this.#reading = false;
      if (this.#again) {
        this.#again = false;
        void this.read();
      }
    }
  };

  older = async (): Promise<void> => {
    try {
      const page = await this.#page(this.commands.at(-1)?.id);
      this.commands = [...this.commands, ...page];
      this.more = page.length === PAGE;
    } catch (error) {
      this.problem = Problem.of(error);
    }
  };

  /** Asks the node for something; the core's «no» is thrown. */
  async ask(deed: Deed): Promise<Command> {
    const params = { path: { id: this.#node } };
    const command = await ask(http.POST('/api/v1/nodes/{id}/commands', { params, body: deed }));
    this.#put(command);
    return command;
  }

  /** Takes a command back that its node does not have yet; the core's «no» is thrown. */
  async withdraw(id: number): Promise<void> {
    try {
      this.#put(await ask(http.DELETE('/api/v1/commands/{id}', { params: { path: { id } } })));
    } finally {
      void this.read();
    }
  }

  /** The latest one that is like this. */
  latest(like: (command: Command) => boolean): Command | undefined {
    return this.commands.find(like);
  }

  #put(command: Command): void {
    const others = this.commands.filter(({ id }) => id !== command.id);
    this.commands = [...others, command].sort((a, b) => b.id - a.id);
  }

  async #page(cursor?: number): Promise<Command[]> {
    const query = { node: this.#node, agent: this.#agent, cursor, limit: PAGE };
    return (await ask(http.GET('/api/v1/commands', { params: { query } }))).commands;
  }
}
