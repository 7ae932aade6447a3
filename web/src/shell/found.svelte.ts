import { ask, http } from '$lib/api/client';
import type { AlertRow } from '$lib/api/schema';
import { write } from '$/query/terms';

/** How long the keyboard must rest before the core is asked; milliseconds. */
const REST = 200;
/** Alerts looked at, and shown of each kind. */
const LOOK = 50;
const SHOW = 4;

/** The latest alerts that have some words in them, and their rules. */
export class Found {
  alerts = $state.raw<AlertRow[]>([]);
  rules = $state.raw<AlertRow[]>([]);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #run = 0;

  look(words: string): void {
    clearTimeout(this.#timer);
    const run = ++this.#run;
    this.alerts = [];
    this.rules = [];
    if (words.trim().length < 2) return;
    this.#timer = setTimeout(() => {
      const query = { q: write(null, [words.trim()]), limit: LOOK };
      ask(http.GET('/api/v1/alerts', { params: { query } }))
        .then(({ alerts }) => {
          if (run !== this.#run) return;
          const rules = new Map(alerts.map((row) => [`${row.module} ${row.rule_id}`, row]));
          this.alerts = alerts.slice(0, SHOW);
          this.rules = [...rules.values()].slice(0, SHOW);
        })
        // What is found otherwise is still there.
        .catch(() => {});
    }, REST);
  }
}
