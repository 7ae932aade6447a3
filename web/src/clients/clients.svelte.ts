import { ask, http } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { Client } from '$lib/api/schema';
import { live } from '$lib/live.svelte';

/** The clients that this person may see: read once, and again when the core says that they changed. */
class Clients {
  all = $state.raw<Client[]>([]);
  loaded = $state(false);
  problem = $state<Problem | null>(null);
  #reading: Promise<void> | null = null;

  constructor() {
    live.on('clients', () => void this.read());
    live.on('reset', () => void this.read());
  }

  /** Reads them if nobody has yet. */
  async need(): Promise<void> {
    if (!this.loaded) await this.read();
  }

  async read(): Promise<void> {
    this.#reading ??= this.#fetch().finally(() => (this.#reading = null));
    await this.#reading;
  }

  async #fetch(): Promise<void> {
    try {
      this.all = (await ask(http.GET('/api/v1/clients'))).clients;
      this.loaded = true;
      this.problem = null;
    } catch (error) {
      this.problem = Problem.of(error);
    }
  }

  bySlug(slug: string): Client | undefined {
    return this.all.find((client) => client.slug === slug || client.name === slug);
  }
}

export const clients = new Clients();
