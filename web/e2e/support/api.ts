import type { Page } from 'playwright-core';

/** Makes a client with the session of a page, and a token with which a node of it enrols. */
export async function newClient(page: Page, name: string): Promise<string> {
  const api = new URL('/api/v1/', page.url()).href;
  const post = async (path: string, data: object) => {
    const answer = await page.request.post(api + path, { data, headers: { 'X-Socme': '1' } });
    if (!answer.ok()) throw new Error(`${path}: ${answer.status()} ${await answer.text()}`);
    return (await answer.json()) as { id: number; token: string };
  };
  const client = await post('clients', { name });
  return (await post(`clients/${client.id}/tokens`, {})).token;
}
