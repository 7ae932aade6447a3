import { ask, http } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { HostState, WatchedHost } from '$lib/api/schema';

/** Which hosts; what is empty does not matter. */
export interface Filter {
  client: string;
  node: string;
  state: string;
  platform: string;
  version: string;
  group: string;
  text: string;
  behind: string;
}

export function asked({ client, node, state, behind, ...rest }: Filter) {
  const id = (text: string) => (/^\d+$/.test(text) ? Number(text) : undefined);
  return {
    ...rest,
    client: id(client),
    node: id(node),
    state: (state || undefined) as HostState | undefined,
    behind: behind === '1',
  };
}

/** Hosts, page by page. */
export class HostList {
  hosts = $state.raw<WatchedHost[]>([]);
  /** Undefined until the first page is there; null at the end. */
  next = $state<string | null | undefined>(undefined);
  problem = $state<Problem | null>(null);
  #filter: Filter | null = null;
  #run = 0;

  async open(filter: Filter): Promise<void> {
    this.#filter = filter;
    this.next = undefined;
    this.hosts = [];
    await this.#read(1);
  }

  more = async (): Promise<void> => {
    await this.#read(1, this.next ?? undefined);
  };

  /** Reads anew what is shown. */
  again = async (): Promise<void> => {
    await this.#read(Math.max(1, Math.ceil(this.hosts.length / 100)));
  };

  async #read(pages: number, from?: string): Promise<void> {
    if (!this.#filter) return;
    this.#run += 1;
    const run = this.#run;
    try {
      let [found, cursor]: [WatchedHost[], string | undefined] = [from ? this.hosts : [], from];
      for (let page = 0; page < pages; page += 1) {
        const read = await ask(http.GET('/api/v1/hosts', { params: { query: { ...asked(this.#filter), cursor } } }));
        if (run !== this.#run) return;
        found = [...found, ...read.hosts];
        cursor = read.next ?? undefined;
        if (!cursor) break;
      }
      [this.hosts, this.next, this.problem] = [found, cursor ?? null, null];
    } catch (error) {
      if (run === this.#run) this.problem = Problem.of(error);
    }
  }
}
