import { SvelteSet } from 'svelte/reactivity';
import { ask, http } from '$lib/api/client';
import { Problem, isAbort } from '$lib/api/problem';
import type { AlertRow, AlertState } from '$lib/api/schema';
import { withoutFields } from '$/query/terms';

const PAGE = 100;
/** Newer alerts fetched in one go. */
const CATCH_UP = 200;

/** Client and id: what tells one alert from all others. */
export function keyOf(alert: { client: number; id: string }): string {
  return `${alert.client}/${alert.id}`;
}

interface Page {
  /** Where it was read from; null at the top. */
  cursor: string | null;
  /** Id of its first row: ids fall from page to page, so that they say which page a row belongs to. */
  firstId: string;
}

/**
 * The alerts that match a query, newest first: pages by cursor below, what arrives later above. Rows never change places; new
 * ones wait in `waiting` until they are let in.
 */
export class AlertList {
  query = $state('');
  rows = $state.raw<AlertRow[]>([]);
  waiting = $state.raw<AlertRow[]>([]);
  /** More are waiting than were fetched: letting them in means reading the list afresh. */
  waitingMore = $state(false);
  next = $state<string | null>(null);
  /** Set where the core's time ran out before the page was full. */
  searchedTo = $state<string | null>(null);
  loading = $state<'first' | 'more' | null>('first');
  problem = $state<Problem | null>(null);
  moreProblem = $state<Problem | null>(null);
  selected = new SvelteSet<string>();

  #newest: string | null = null;
  #pages: Page[] = [];
  #run = 0;
  #abort: AbortController | null = null;
  #catching = false;
  #catchAgain = false;

  get known(): number {
    return this.rows.length;
  }

  /** Reads the list from its top. */
  async open(query: string): Promise<void> {
    const run = ++this.#run;
    this.#abort?.abort();
    this.#abort = new AbortController();
    if (query !== this.query) this.selected.clear();
    this.query = query;
    this.loading = 'first';
    try {
      const page = await ask(
        http.GET('/api/v1/alerts', {
          params: { query: { q: query || undefined, limit: PAGE } },
          signal: this.#abort.signal,
        }),
      );
      if (run !== this.#run) return;
      this.problem = null;
      this.rows = page.alerts;
      this.waiting = [];
      this.waitingMore = false;
      this.next = page.next ?? null;
      this.searchedTo = page.searched_to ?? null;
      this.#newest = page.new_cursor ?? page.alerts[0]?.id ?? null;
      this.#pages = [{ cursor: null, firstId: page.alerts[0]?.id ?? '' }];
      this.loading = null;
      if (this.#catchAgain) void this.catchUp();
    } catch (error) {
      if (run !== this.#run || isAbort(error)) return;
      this.problem = Problem.of(error);
      this.loading = null;
    }
  }

  /** Reads the next page below. */
  async more(): Promise<void> {
    if (!this.next || this.loading) return;
    const run = this.#run;
    const cursor = this.next;
    this.loading = 'more';
    this.moreProblem = null;
    try {
      const page = await ask(
        http.GET('/api/v1/alerts', { params: { query: { q: this.query || undefined, cursor, limit: PAGE } } }),
      );
      if (run !== this.#run) return;
      const known = new Set(this.rows.map(keyOf));
      const fresh = page.alerts.filter((row) => !known.has(keyOf(row)));
      if (fresh[0]) this.#pages.push({ cursor, firstId: fresh[0].id });
      this.rows = [...this.rows, ...fresh];
      this.next = page.next ?? null;
      this.searchedTo = page.searched_to ?? null;
    } catch (error) {
      if (run === this.#run) this.moreProblem = Problem.of(error);
    } finally {
      if (run === this.#run) this.loading = null;
    }
  }

  /** Fetches what arrived since; calls at the same time become one more. Returns how many now wait. */
  async catchUp(): Promise<number> {
    if (this.#catching || this.loading === 'first') {
      this.#catchAgain = true;
      return this.waiting.length;
    }
    this.#catching = true;
    try {
      do {
        this.#catchAgain = false;
        const run = this.#run;
        const page = await ask(
          http.GET('/api/v1/alerts', {
            params: { query: { q: this.query || undefined, after: this.#newest ?? undefined, limit: CATCH_UP } },
          }),
        );
        if (run !== this.#run) return 0;
        this.#newest = page.new_cursor ?? page.alerts[0]?.id ?? this.#newest;
        const known = new Set([...this.waiting, ...this.rows].map(keyOf));
        const fresh = page.alerts.filter((row) => !known.has(keyOf(row)));
        if (page.alerts.length >= CATCH_UP && page.next) this.waitingMore = true;
        if (fresh.length) this.waiting = [...fresh, ...this.waiting];
      } while (this.#catchAgain);
    } catch {
      // The stream's own state says that the page is not up to date; the next event tries again.
    } finally {
      this.#catching = false;
    }
    return this.waiting.length;
  }

  /** Lets the waiting rows in at the top; returns how many came in. */
  letIn(): number {
    const came = this.waiting.length;
    if (this.waitingMore) {
      void this.open(this.query);
      return 0;
    }
    if (!came) return 0;
    this.rows = [...this.waiting, ...this.rows];
    this.waiting = [];
    return came;
  }

  /** Reads the rows between two indexes again, and changes counts and states in place. No row appears, goes or moves. */
  async refreshBetween(first: number, last: number): Promise<void> {
    const run = this.#run;
    const query = withoutFields(this.query, 'state');
    const top = this.rows[first]?.id;
    const bottom = this.rows[Math.min(last, this.rows.length - 1)]?.id;
    if (!top || !bottom) return;
    const pages = this.#pages.filter((page, at) => {
      const below = this.#pages[at + 1];
      return (at === 0 || page.firstId >= bottom) && (!below || below.firstId < top);
    });
    for (const page of pages) {
      const answer = await ask(
        http.GET('/api/v1/alerts', {
          params: { query: { q: query || undefined, cursor: page.cursor ?? undefined, limit: CATCH_UP } },
        }),
      ).catch(() => null);
      if (run !== this.#run || !answer) return;
      this.merge(answer.alerts);
    }
  }

  /** Takes over newer versions of rows that are known. */
  merge(newer: readonly AlertRow[]): void {
    const byKey = new Map(newer.map((row) => [keyOf(row), row]));
    let changed = false;
    const take = (row: AlertRow): AlertRow => {
      const newerRow = byKey.get(keyOf(row));
      if (!newerRow || !differs(row, newerRow)) return row;
      changed = true;
      return newerRow;
    };
    const rows = this.rows.map(take);
    const waiting = this.waiting.map(take);
    if (!changed) return;
    this.rows = rows;
    this.waiting = waiting;
  }

  /** Shows another state at once; returns how to put it back. */
  setState(keys: ReadonlySet<string>, state: AlertState): () => void {
    const before = new Map(
      this.rows.filter((row) => keys.has(keyOf(row))).map((row) => [keyOf(row), row.state] as const),
    );
    this.rows = this.rows.map((row) => (keys.has(keyOf(row)) ? { ...row, state } : row));
    return () => {
      this.rows = this.rows.map((row) => {
        const old = before.get(keyOf(row));
        return old && row.state === state ? { ...row, state: old } : row;
      });
    };
  }

  /** Takes rows out of sight; returns how to put them back where they were. */
  remove(keys: ReadonlySet<string>): () => void {
    const rows = this.rows;
    const gone = rows.filter((row) => keys.has(keyOf(row)));
    if (!gone.length) return () => {};
    this.rows = rows.filter((row) => !keys.has(keyOf(row)));
    return () => {
      const present = new Set(this.rows.map(keyOf));
      const back = gone.filter((row) => !present.has(keyOf(row)));
      if (back.length) this.rows = [...this.rows, ...back].sort((a, b) => (a.id < b.id ? 1 : a.id > b.id ? -1 : 0));
    };
  }

  find(key: string | null): number {
    return key === null ? -1 : this.rows.findIndex((row) => keyOf(row) === key);
  }
}

function differs(a: AlertRow, b: AlertRow): boolean {
  return a.count !== b.count || a.state !== b.state || a.last !== b.last || a.message !== b.message;
}
