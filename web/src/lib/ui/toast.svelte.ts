import type { Problem } from '$lib/api/problem';

export interface Toast {
  id: number;
  text: string;
  /** What a problem means and what to do. */
  mend?: string;
  bad?: boolean;
  /** The one thing that can be done about it. */
  action?: { label: string; run: () => void };
  seconds: number;
}

/** Short messages at the bottom that go by themselves; they stay while the pointer or the focus is on them. */
class Toasts {
  shown = $state<Toast[]>([]);
  #next = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  add(toast: Omit<Toast, 'id' | 'seconds'> & { seconds?: number }): number {
    const id = this.#next++;
    const full = { seconds: 6, ...toast, id };
    this.shown = [...this.shown.slice(-3), full];
    this.resume(full);
    return id;
  }

  problem(problem: Problem): void {
    if (problem.declined) return;
    const id = problem.id ? ` (${problem.id})` : '';
    this.add({ text: problem.message, mend: problem.mend + id, bad: true, seconds: 12 });
  }

  dismiss(id: number): void {
    this.hold(id);
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  resume(toast: Toast): void {
    this.hold(toast.id);
    this.#timers.set(
      toast.id,
      setTimeout(() => this.dismiss(toast.id), toast.seconds * 1000),
    );
  }
}

export const toasts = new Toasts();
