import { ask, http } from '$lib/api/client';
import { isAbort } from '$lib/api/problem';
import type { Facets, Histogram } from '$lib/api/schema';
import { hoursBack } from '$/query/span';
import { chosen, withoutFields } from '$/query/terms';

export const FACETS = ['severity', 'state', 'client', 'source', 'node', 'rule'] as const;
export type Facet = (typeof FACETS)[number];

/** Least time between two readings while alerts pour in; milliseconds. */
const REST = 5000;

/** What the alerts of a query look like from above: the histogram and the facets. */
export class Overview {
  histogram = $state.raw<Histogram | null>(null);
  facets = $state.raw<Facets | null>(null);
  failed = $state(false);
  #query = '';
  #abort: AbortController | null = null;
  #readAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  open(query: string): void {
    this.#query = query;
    void this.#read();
  }

  /** Reads again soon, but not for every single alert. */
  refresh(): void {
    if (this.#timer !== undefined) return;
    const rest = Math.max(0, this.#readAt + REST - performance.now());
    this.#timer = setTimeout(() => void this.#read(), rest);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#abort?.abort();
  }

  async #read(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#readAt = performance.now();
    this.#abort?.abort();
    const { signal } = (this.#abort = new AbortController());
    const query = this.#query;
    try {
      const [histogram, facets] = await Promise.all([
        ask(
          http.GET('/api/v1/alerts/histogram', {
            params: {
              query: { q: withoutFields(query, 'after', 'before') || undefined, hours: hoursBack(query, Date.now()) },
            },
            signal,
          }),
        ),
        this.#facetsOf(query, signal),
      ]);
      if (signal.aborted) return;
      this.histogram = histogram;
      this.facets = facets;
      this.failed = false;
    } catch (error) {
      if (!isAbort(error)) this.failed = true;
    }
  }

  /** A facet that the query already narrows is counted without its own part, so that its other values can be chosen too. */
  async #facetsOf(query: string, signal: AbortSignal): Promise<Facets> {
    const of = (q: string) =>
      ask(http.GET('/api/v1/alerts/facets', { params: { query: { q: q || undefined } }, signal }));
    const narrowed = FACETS.filter((facet) => chosen(query, facet).length > 0);
    const [whole, ...others] = await Promise.all([
      of(query),
      ...narrowed.map((facet) => of(withoutFields(query, facet))),
    ]);
    const facets = { ...whole };
    narrowed.forEach((facet, at) => {
      const other = others[at];
      if (other) facets[facet] = other[facet];
    });
    return facets;
  }
}
