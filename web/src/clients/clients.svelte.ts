import { ask, http } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { Client } from '$lib/api/schema';
import { live } from '$lib/live.svelte';
import { m } from '$lib/paraglide/messages';

/** The clients that this person may see: read once, and again when the core says that they changed. */
class Clients {
  all = $state.raw<Client[]>([]);
  loaded = $state(false);
  problem = $state<Problem | null>(null);
  #reading: Promise<void> | null = null;

  constructor() {
    live.on('clients', () => void this.read());
    live.on('reset', () => void this.read());
    live.on('rights', () => this.#forget());
  }

  /** Reads them if nobody has yet. */
  async need(): Promise<void> {
    if (!this.loaded) await this.read();
  }

  async read(): Promise<void> {
    this.#reading ??= this.#fetch().finally(() => (this.#reading = null));
    await this.#reading;
  }

  /** Perhaps there are fewer now: none is shown until they have been read again, at the «reset» that follows. */
  #forget(): void {
    this.all = [];
    this.loaded = false;
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

  /** What a client is called; its number where it is gone, or not for this person to see. */
  nameOf(id: number): string {
    return this.all.find((client) => client.id === id)?.name ?? m.client_number({ id });
  }

  bySlug(slug: string): Client | undefined {
    return this.all.find((client) => client.slug === slug || client.name === slug);
  }
}

export const clients = new Clients();
