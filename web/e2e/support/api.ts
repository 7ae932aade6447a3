import type { Page } from 'playwright-core';

async function post<T>(page: Page, path: string, data: object): Promise<T> {
  const url = new URL(`/api/v1/${path}`, page.url()).href;
  const answer = await page.request.post(url, { data, headers: { 'X-Socme': '1' } });
  if (!answer.ok()) throw new Error(`${path}: ${answer.status()} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** Makes a client with the session of a page, and a token with which a node of it enrols. */
export async function newClient(page: Page, name: string): Promise<string> {
  const client = await post<{ id: number }>(page, 'clients', { name });
  return (await post<{ token: string }>(page, `clients/${client.id}/tokens`, {})).token;
}

/** The number of a client. */
export async function clientId(page: Page, name: string): Promise<number> {
  const answer = await page.request.get(new URL('/api/v1/clients', page.url()).href);
  const { clients } = (await answer.json()) as { clients: { id: number; name: string }[] };
  return clients.find((client) => client.name === name)!.id;
}

interface Given {
  admin?: boolean;
  everywhere?: 'viewer' | 'analyst' | null;
  clients?: { client: number; role: 'viewer' | 'analyst' }[];
}

/** Makes a user with the session of a page; returns the link that invites them. */
export async function newUser(page: Page, name: string, given: Given = {}): Promise<{ id: number; url: string }> {
  const access = { admin: false, everywhere: null, clients: [], ...given };
  const { user, url } = await post<{ user: { id: number }; url: string }>(page, 'users', { name, access });
  return { id: user.id, url };
}

/** Makes a key with the session of a page; returns its secret. */
export async function newKey(page: Page, name: string, more: object = {}): Promise<string> {
  return (await post<{ secret: string }>(page, 'me/keys', { name, role: 'viewer', ...more })).secret;
}
