import { ask, http } from '$lib/api/client';
import { Problem, isAbort } from '$lib/api/problem';
import type { WatchedHost } from '$lib/api/schema';
import { asked, type Filter } from './filter';

const PAGE = 100;
/** Most hosts that are read again in one go; further down the list they are as old as they were read. */
const AGAIN = 200;

/** Node and agent: what tells one host from all others. */
export function keyOf(host: { node: number; agent: string }): string {
  return `${host.node}/${host.agent}`;
}

/** Hosts, by client and name, page by page. */
export class HostList {
  hosts = $state.raw<WatchedHost[]>([]);
  next = $state<string | null>(null);
  loading = $state<'first' | 'more' | null>('first');
  problem = $state<Problem | null>(null);
  moreProblem = $state<Problem | null>(null);
  #filter: Filter | null = null;
  #run = 0;
  #abort: AbortController | null = null;

  /** Reads from the top. */
  async open(filter: Filter): Promise<void> {
    this.#filter = filter;
    this.loading = 'first';
    this.hosts = [];
    this.next = null;
    await this.#first(PAGE);
  }

  /** Reads again what is there; what lies beyond stays as it was. */
  again = async (): Promise<void> => {
    if (this.loading === null) await this.#first(Math.min(AGAIN, Math.max(PAGE, this.hosts.length)));
  };

  more = async (): Promise<void> => {
    if (!this.#filter || !this.next || this.loading) return;
    const run = this.#run;
    this.loading = 'more';
    try {
      const page = await this.#page(PAGE, this.next);
      if (run !== this.#run) return;
      this.hosts = [...this.hosts, ...page.hosts];
      this.next = page.next ?? null;
      this.moreProblem = null;
    } catch (error) {
      if (run === this.#run && !isAbort(error)) this.moreProblem = Problem.of(error);
    } finally {
      if (run === this.#run) this.loading = null;
    }
  };

  async #first(limit: number): Promise<void> {
    const run = ++this.#run;
    this.#abort?.abort();
    this.#abort = new AbortController();
    try {
      const page = await this.#page(limit);
      if (run !== this.#run) return;
      this.#join(page.hosts, page.next ?? null);
      this.problem = this.moreProblem = null;
      this.loading = null;
    } catch (error) {
      if (run !== this.#run || isAbort(error)) return;
      this.problem = Problem.of(error);
      this.loading = null;
    }
  }

  /** Puts the first page in the place of what was there; rows beyond it stay. */
  #join(hosts: WatchedHost[], next: string | null): void {
    const last = hosts.at(-1);
    const at = last ? this.hosts.findIndex((host) => keyOf(host) === keyOf(last)) : -1;
    if (next === null || at < 0 || at === this.hosts.length - 1) {
      this.hosts = hosts;
      this.next = next;
    } else this.hosts = [...hosts, ...this.hosts.slice(at + 1)];
  }

  async #page(limit: number, cursor?: string) {
    const query = { ...asked(this.#filter!), limit, cursor };
    return ask(http.GET('/api/v1/hosts', { params: { query }, signal: this.#abort?.signal }));
  }
}
