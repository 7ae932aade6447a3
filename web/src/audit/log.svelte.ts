import { ask, http } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { AuditEntry } from '$lib/api/schema';

/** Which entries; what is empty does not matter. */
export interface Filter {
  user: string;
  client: string;
  action: string;
  from: string;
  to: string;
}

/** A filter as the API wants it. */
export function asked({ user, client, action, from, to }: Filter) {
  const id = (text: string) => (/^\d+$/.test(text) ? Number(text) : undefined);
  return {
    user: id(user),
    client: id(client),
    action: action || undefined,
    from: from || undefined,
    to: to || undefined,
  };
}

/** The audit log, page by page, latest first. */
export class AuditLog {
  entries = $state.raw<AuditEntry[]>([]);
  /** Undefined until the first page is there; null at the end. */
  next = $state<number | null | undefined>(undefined);
  problem = $state<Problem | null>(null);
  #filter: Filter | null = null;
  #run = 0;

  async open(filter: Filter): Promise<void> {
    this.#filter = filter;
    this.#run += 1;
    this.next = undefined;
    this.entries = [];
    await this.more();
  }

  more = async (): Promise<void> => {
    if (!this.#filter) return;
    const run = this.#run;
    try {
      const query = { ...asked(this.#filter), cursor: this.next ?? undefined };
      const page = await ask(http.GET('/api/v1/audit', { params: { query } }));
      if (run !== this.#run) return;
      this.entries = [...this.entries, ...page.entries];
      this.next = page.next ?? null;
      this.problem = null;
    } catch (error) {
      if (run === this.#run) this.problem = Problem.of(error);
    }
  };
}
