import { ask, http } from '$lib/api/client';
import { Problem } from '$lib/api/problem';
import type { AlertRef, AlertRow, AlertState } from '$lib/api/schema';
import { m } from '$lib/paraglide/messages';
import { toasts } from '$lib/ui/toast.svelte';
import { chosen } from '$/query/terms';
import { session } from '../session/session.svelte';
import { AlertList, keyOf } from './list.svelte';

export type Action = 'acknowledge' | 'close' | 'reopen' | 'comment';

/** How long after the last key the list may move by itself again; milliseconds. */
const READING = 10_000;
/** Most alerts that one request may change. */
const MOST = 500;
/** How long a change can be taken back; seconds. */
const UNDO = 10;

const becomes: Record<Exclude<Action, 'comment'>, AlertState> = {
  acknowledge: 'acknowledged',
  close: 'closed',
  reopen: 'open',
};
const backTo: Record<AlertState, Action> = { open: 'reopen', acknowledged: 'acknowledge', closed: 'close' };

/** The analyst's place at the list: cursor, selection, actions, and whether anything may move. */
export class Desk {
  readonly list = new AlertList();
  /** Key of the row under the keyboard's cursor. */
  cursor = $state<string | null>(null);
  /** Key of the alert whose details are open. */
  open = $state<string | null>(null);
  /** Set by the list as it is scrolled. */
  atTop = $state(true);
  pointerOver = false;
  /** Counts up whenever alerts were changed from here, for the details to read again. */
  acted = $state(0);

  #movedAt = -Infinity;
  #undo: (() => void) | null = null;

  /** True while nobody reads the list closely: new rows may then come in by themselves. */
  get quiet(): boolean {
    return (
      this.atTop &&
      this.open === null &&
      !this.pointerOver &&
      this.list.selected.size === 0 &&
      performance.now() - this.#movedAt > READING
    );
  }

  /** New alerts were heard of: fetch them, and let them in if that disturbs nobody. */
  async arrive(): Promise<void> {
    await this.list.catchUp();
    if (this.quiet) this.list.letIn();
  }

  get cursorIndex(): number {
    return this.list.find(this.cursor);
  }

  /** Moves the cursor by so many rows; the first press only shows where it is. Returns the row's index, or -1. */
  move(by: number): number {
    this.#movedAt = performance.now();
    const at = this.cursorIndex;
    return this.moveTo(at < 0 ? this.list.find(this.open) + (by > 0 && this.open === null ? 1 : by) : at + by);
  }

  moveTo(index: number): number {
    this.#movedAt = performance.now();
    const rows = this.list.rows;
    if (!rows.length) return -1;
    const at = Math.max(0, Math.min(rows.length - 1, index));
    const row = rows[at];
    if (row) this.cursor = keyOf(row);
    return at;
  }

  toggle(key: string | null): void {
    if (key === null) return;
    if (!this.list.selected.delete(key)) this.list.selected.add(key);
  }

  /** Selects everything between the cursor and this row, as a click with Shift does. */
  selectTo(key: string): void {
    const from = this.cursorIndex;
    const to = this.list.find(key);
    if (from < 0 || to < 0) return this.toggle(key);
    for (const row of this.list.rows.slice(Math.min(from, to), Math.max(from, to) + 1))
      this.list.selected.add(keyOf(row));
  }

  selectAll(): void {
    for (const row of this.list.rows) this.list.selected.add(keyOf(row));
  }

  /** Selects all loaded rows of the rule under the cursor. */
  selectRule(): void {
    const row = this.list.rows[this.cursorIndex] ?? this.list.rows[this.list.find(this.open)];
    if (!row) return;
    for (const other of this.list.rows)
      if (other.rule_id === row.rule_id && other.module === row.module) this.list.selected.add(keyOf(other));
  }

  /** What an action is about: the selection, else the open alert, else the one under the cursor. */
  get targets(): Set<string> {
    if (this.list.selected.size) return new Set(this.list.selected);
    const key = this.open ?? this.cursor;
    return new Set(key === null ? [] : [key]);
  }

  /** Those of them that this person may change: at some clients they may only read. */
  get actionable(): Set<string> {
    return new Set([...this.targets].filter((key) => session.mayActAt(refOf(key).client)));
  }

  /** Does it at once on the screen, then at the core; a refusal puts everything back. */
  async act(action: Action, comment = '', targets = this.actionable): Promise<boolean> {
    if (!targets.size) return false;
    const rows = this.list.rows.filter((row) => targets.has(keyOf(row)));
    const restore = action === 'comment' ? () => {} : this.#show(targets, becomes[action]);
    const before = new Map(rows.map((row) => [keyOf(row), row.state] as const));
    this.list.selected.clear();
    try {
      const changed = await send([...targets].map(refOf), action, comment);
      this.acted += 1;
      this.#offerUndo(action, changed, before, restore);
      return true;
    } catch (error) {
      restore();
      this.acted += 1;
      toasts.problem(Problem.of(error));
      return false;
    }
  }

  undo(): void {
    const undo = this.#undo;
    this.#undo = null;
    undo?.();
  }

  /** Shows the new state; a row that the query no longer asks for goes, and the cursor stays where the eye is. */
  #show(targets: Set<string>, state: AlertState): () => void {
    const asked = chosen(this.list.query, 'state');
    if (!asked.length || asked.includes(state)) return this.list.setState(targets, state);
    const at = this.cursorIndex;
    const stays = this.list.rows.slice(Math.max(at, 0)).find((row) => !targets.has(keyOf(row)));
    const last = this.list.rows.findLast((row) => !targets.has(keyOf(row)));
    const putBack = this.list.remove(targets);
    const cursor = this.cursor;
    if (cursor !== null && targets.has(cursor)) {
      const next = stays ?? last;
      this.cursor = next ? keyOf(next) : null;
    }
    return () => {
      putBack();
      this.cursor = cursor;
    };
  }

  #offerUndo(
    action: Action,
    changed: (AlertRef & { state: AlertState })[],
    before: Map<string, AlertState>,
    restore: () => void,
  ): void {
    if (action === 'comment') {
      toasts.add({ text: m.done_comment() });
      return;
    }
    const n = changed.length;
    const words = { acknowledge: m.done_acknowledge, close: m.done_close, reopen: m.done_reopen }[action];
    if (!n) {
      toasts.add({ text: m.done_nothing() });
      return;
    }
    this.#undo = () => {
      toasts.dismiss(toast);
      restore();
      void this.#takeBack(changed, before);
    };
    const undo = this.#undo;
    const toast = toasts.add({
      text: words({ n }),
      seconds: UNDO,
      action: { label: m.undo(), run: () => (this.#undo === undo ? this.undo() : undo()) },
    });
    setTimeout(() => {
      if (this.#undo === undo) this.#undo = null;
    }, UNDO * 1000);
  }

  async #takeBack(changed: AlertRef[], before: Map<string, AlertState>): Promise<void> {
    try {
      for (const state of ['open', 'acknowledged', 'closed'] as const) {
        const back = changed
          .filter((each) => (before.get(keyOf(each)) ?? 'open') === state)
          .map(({ client, id }) => ({ client, id }));
        if (back.length) await send(back, backTo[state], '');
      }
    } catch (error) {
      toasts.problem(Problem.of(error));
      void this.list.open(this.list.query);
    } finally {
      this.acted += 1;
    }
  }
}

function refOf(key: string): AlertRef {
  const [client = '', id = ''] = key.split('/');
  return { client: Number(client), id };
}

async function send(
  alerts: AlertRef[],
  action: Action,
  comment: string,
): Promise<(AlertRef & { state: AlertState })[]> {
  const changed = [];
  for (let at = 0; at < alerts.length; at += MOST) {
    const some = alerts.slice(at, at + MOST);
    const body = { alerts: some, action, ...(comment.trim() ? { comment: comment.trim() } : {}) };
    changed.push(...(await ask(http.POST('/api/v1/alerts/actions', { body }))).changed);
  }
  return changed;
}

/** The rows between which a bulk action would be about, in words for a button. */
export function rowsOf(list: AlertList, targets: ReadonlySet<string>): AlertRow[] {
  return list.rows.filter((row) => targets.has(keyOf(row)));
}
