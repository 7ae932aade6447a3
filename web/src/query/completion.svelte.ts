import { ask, http } from '$lib/api/client';
import { isAbort } from '$lib/api/problem';

export interface Suggestion {
  text: string;
  description: string;
}

/** What could be written next, as the core proposes it: fields first, then values within what this person may see. */
export class Completion {
  suggestions = $state.raw<Suggestion[]>([]);
  /** The suggestion under the keyboard; -1 for none. */
  at = $state(-1);
  #start = 0;
  #end = 0;
  #abort: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  get open(): boolean {
    return this.suggestions.length > 0;
  }

  /** Asks anew, once typing rests for a moment. */
  ask(query: string, at: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#fetch(query, at), 60);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.suggestions = [];
    this.at = -1;
  }

  move(by: number): void {
    const n = this.suggestions.length;
    if (n) this.at = this.at < 0 ? (by > 0 ? 0 : n - 1) : (this.at + by + n) % n;
  }

  /** The query with the suggestion put in its place. */
  apply(query: string, suggestion: Suggestion): string {
    return query.slice(0, this.#start) + suggestion.text + query.slice(this.#end);
  }

  async #fetch(query: string, at: number): Promise<void> {
    this.#abort?.abort();
    this.#abort = new AbortController();
    try {
      const answer = await ask(
        http.GET('/api/v1/query/complete', { params: { query: { q: query, at } }, signal: this.#abort.signal }),
      );
      this.#start = answer.start;
      this.#end = answer.end;
      this.suggestions = answer.suggestions.slice(0, 12);
      this.at = -1;
    } catch (error) {
      if (!isAbort(error)) this.close();
    }
  }
}
