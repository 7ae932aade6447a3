import createClient from 'openapi-fetch';
import { preferences } from '../preferences.svelte';
import { Problem } from './problem';
import type { paths } from './schema';

type Listener = () => void;
const ended: Listener[] = [];

/** Calls `listener` when the core says that nobody is signed in (401), except as the answer to signing in itself. */
export function onSessionEnded(listener: Listener): void {
  ended.push(listener);
}

export const http = createClient<paths>({ baseUrl: '', credentials: 'same-origin' });

http.use({
  onRequest({ request }) {
    // A page of another origin can't set this header: it is what keeps forged requests out.
    if (request.method !== 'GET') request.headers.set('X-Socme', '1');
    // Moments in a query, «after:14:00», are of the zone in which the page shows times.
    const url = new URL(request.url);
    if (!url.searchParams.has('q')) return request;
    url.searchParams.set('zone', preferences.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
    return new Request(url, request);
  },
  onResponse({ request, response }) {
    const signingIn = request.method === 'POST' && /\/api\/v1\/(session|setup)/.test(request.url);
    if (response.status === 401 && !signingIn) for (const listener of ended) listener();
  },
});

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
