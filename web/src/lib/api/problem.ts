import { m } from '$lib/paraglide/messages';
import { said } from './said';
import type { Problem as ProblemBody } from './schema';

/** What went wrong, in words for the person before the screen. */
export class Problem extends Error {
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  /** A word that programs can rely on; empty where the core sent none. */
  readonly kind: string;
  /** What it means and what to do. */
  readonly mend: string;
  /** The input field that it is about. */
  readonly field: string | null;
  /** What the core's log has too. */
  readonly id: string | null;
  /** Where in the field, as offsets. */
  readonly start: number | null;
  readonly end: number | null;

  constructor(body: Partial<ProblemBody>, mend: string) {
    super(said(body.title) ?? m.problem_unknown());
    this.name = 'Problem';
    this.status = body.status ?? 0;
    this.kind = body.type ?? '';
    this.mend = said(mend) ?? mend;
    this.field = body.field ?? null;
    this.id = body.id ?? null;
    this.start = body.start ?? null;
    this.end = body.end ?? null;
  }

  /** They were asked to show who they are and did not: nothing was done, and they know why. */
  get declined(): boolean {
    return this.kind === 'prove';
  }

  static from(error: unknown, response: Response): Problem {
    const body: Partial<ProblemBody> = isProblem(error) ? error : { title: wordsFor(response.status) };
    return new Problem({ ...body, status: response.status }, body.detail ?? mendFor(response.status));
  }

  /** No answer came. */
  static silent(error: unknown): Problem {
    const problem = new Problem({ title: m.problem_network() }, m.problem_network_mend());
    problem.cause = error;
    return problem;
  }

  /** Anything that was thrown, as a problem. */
  static of(error: unknown): Problem {
    if (error instanceof Problem) return error;
    const problem = new Problem({ title: m.problem_unknown() }, m.problem_unknown_mend());
    problem.cause = error;
    return problem;
  }
}

/** True for a request that was given up on purpose. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

function isProblem(value: unknown): value is ProblemBody {
  return typeof value === 'object' && value !== null && typeof (value as ProblemBody).title === 'string';
}

function wordsFor(status: number): string {
  if (status === 401) return m.problem_401();
  if (status === 403) return m.problem_403();
  if (status === 404) return m.problem_404();
  if (status === 429) return m.problem_429();
  return status >= 500 ? m.problem_500() : m.problem_unknown();
}

function mendFor(status: number): string {
  if (status === 401) return m.problem_401_mend();
  if (status === 403) return m.problem_403_mend();
  if (status === 404) return m.problem_404_mend();
  if (status === 429) return m.problem_429_mend();
  return status >= 500 ? m.problem_500_mend() : m.problem_unknown_mend();
}
