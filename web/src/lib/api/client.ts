import createClient from 'openapi-fetch';
import { preferences } from '../preferences.svelte';
import { Problem } from './problem';
import type { paths, Problem as ProblemBody } from './schema';

type Listener = () => void;
const ended: Listener[] = [];
let askProof: () => Promise<boolean> = () => Promise.resolve(false);
/** What is sent again once its sender has shown who they are: the body of a request can be read only once. */
const again = new WeakMap<Request, Request>();

/** Calls `listener` when the core says that nobody is signed in (401), except as the answer to a passphrase. */
export function onSessionEnded(listener: Listener): void {
  ended.push(listener);
}

/** Calls `prove` when the core wants to be shown again who asks; true: it was shown, and the request is sent again. */
export function onProofWanted(prove: () => Promise<boolean>): void {
  askProof = prove;
}

export const http = createClient<paths>({ baseUrl: '', credentials: 'same-origin' });

http.use({
  onRequest({ request }) {
    if (request.method !== 'GET') {
      // A page of another origin can't set this header: it is what keeps forged requests out.
      request.headers.set('X-Socme', '1');
    }
    again.set(request, request.clone());
    // Moments in a query, «after:14:00», are of the zone in which the page shows times.
    const url = new URL(request.url);
    if (!url.searchParams.has('q')) return request;
    url.searchParams.set('zone', preferences.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
    return new Request(url, request);
  },
  async onResponse({ request, response }) {
    const signingIn = request.method === 'POST' && /\/api\/v1\/(session|setup)/.test(request.url);
    if (response.status === 401 && !signingIn && (await kind(response)) !== 'wrong-sign-in')
      for (const listener of ended) listener();
    const repeated = again.get(request);
    if (response.status !== 403 || !repeated || (await kind(response)) !== 'prove') return;
    if (await askProof()) return fetch(repeated);
  },
});

/** The word that programs can rely on in an answer that says no. */
async function kind(response: Response): Promise<string | undefined> {
  try {
    return ((await response.clone().json()) as Partial<ProblemBody>).type;
  } catch {
    return undefined;
  }
}

/** The answer's data; throws a {@link Problem} for anything else, a silent network too. */
export async function ask<T>(
  request: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<NonNullable<T>> {
  let answer;
  try {
    answer = await request;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw Problem.silent(error);
  }
  if (!answer.response.ok) throw Problem.from(answer.error, answer.response);
  return answer.data as NonNullable<T>;
}
