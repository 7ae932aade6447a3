import { Problem, isAbort } from './api/problem';
import { live, type LiveEvents } from './live.svelte';

/** Something that is read from the core, and again when the core says that it changed. What was read stays while it is read anew. */
export class Loaded<T> {
  value = $state.raw<T | null>(null);
  problem = $state<Problem | null>(null);
  #read: () => Promise<T>;
  #reading = false;
  #again = false;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** Reads it; a call while it is being read makes it be read once more after that. */
  read = async (): Promise<void> => {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    try {
      this.value = await this.#read();
      this.problem = null;
    } catch (error) {
      if (!isAbort(error)) this.problem = Problem.of(error);
    } finally {
      this.#reading = false;
      if (this.#again) {
        this.#again = false;
        void this.read();
      }
    }
  };

  /**
   * Reads it now and on each of these events, and every `seconds` if given; returns how to stop. For `$effect`. Given a `node`,
   * events of other nodes are passed over.
   */
  follow(names: (keyof LiveEvents)[], seconds?: number, node?: number): () => void {
    void this.read();
    const stops = (['reset', ...names] as (keyof LiveEvents)[]).map((name) =>
      live.on(name, (told) => {
        const of = 'node' in told ? told.node : null;
        if (node === undefined || of == null || of === node) void this.read();
      }),
    );
    const timer = seconds ? setInterval(() => void this.read(), seconds * 1000) : undefined;
    return () => {
      stops.forEach((stop) => stop());
      clearInterval(timer);
    };
  }
}
