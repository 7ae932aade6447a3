import { ask, http } from '$lib/api/client';
import { safePath } from '../shell/address.svelte';

/** Where to go once a provider has sent the browser back. It stays in this tab: no address says it, so no link can. */
const NEXT = 'socme-visit-next';

/** Goes to a provider to sign in, or to take up an invitation. */
export async function visit(provider: number, next: string, invitation?: string): Promise<void> {
  leave(await ask(http.POST('/api/v1/session/visit', { body: { provider, invitation } })), next);
}

/** Goes to a provider to link one's account there. */
export async function visitToLink(provider: number, next: string): Promise<void> {
  leave(await ask(http.POST('/api/v1/session/visit/link', { body: { provider } })), next);
}

/** Goes to a provider to show again who one is. */
export async function visitToProve(provider: number, next: string): Promise<void> {
  leave(await ask(http.POST('/api/v1/session/visit/proof', { body: { provider } })), next);
}

/** Where the visit was to lead: a path of this application. */
export function nextAfterVisit(): string {
  const next = sessionStorage.getItem(NEXT) ?? '/';
  sessionStorage.removeItem(NEXT);
  return safePath(next);
}

function leave({ url }: { url: string }, next: string): void {
  sessionStorage.setItem(NEXT, next);
  location.assign(url);
}
