import { ask, http } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { Command, Deed } from '$lib/api/schema';
import { type History, isRunning } from '../commands/history.svelte';

/** One question put to a node from a form: how far it is, and what came back. */
export class Question {
  problem = $state<Problem | null>(null);
  answer = $state.raw<unknown>(null);
  #id = $state<number | null>(null);
  #read: number | null = null;
  readonly #history: () => History;

  constructor(history: () => History) {
    this.#history = history;
    $effect(() => {
      const command = this.command;
      if (command?.state === 'done' && this.#read !== command.id) void this.#fetch(command.id);
    });
  }

  get command(): Command | undefined {
    return this.#history().commands.find(({ id }) => id === this.#id);
  }

  get running(): boolean {
    const { command } = this;
    return command !== undefined && isRunning(command);
  }

  async put(deed: Deed): Promise<void> {
    this.problem = null;
    this.answer = null;
    this.#id = null;
    try {
      this.#id = (await this.#history().ask(deed)).id;
    } catch (error) {
      this.problem = Problem.of(error);
    }
  }

  async #fetch(id: number): Promise<void> {
    this.#read = id;
    try {
      const command = await ask(http.GET('/api/v1/commands/{id}', { params: { path: { id } } }));
      if (this.#id === id) this.answer = command.answer ?? {};
    } catch (error) {
      this.problem = Problem.of(error);
    }
  }
}
