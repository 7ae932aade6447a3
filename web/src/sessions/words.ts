import type { Session } from '$lib/api/schema';
import { m } from '$lib/paraglide/messages';
import { shorten, visible } from '$lib/text';
import { readAgent } from './agent';

/** On what a session was begun, in words. */
export function deviceWords(session: Pick<Session, 'agent'>): string {
  const { browser, system } = readAgent(session.agent ?? '');
  if (browser && system) return m.agent_on({ browser, system });
  if (browser ?? system) return browser ?? system ?? '';
  return session.agent ? shorten(visible(session.agent), 60) : m.agent_unknown();
}

/** How somebody signed in. A way that a newer core adds is shown as it is. */
export function howWords(how: string): string {
  const words: Record<string, () => string> = {
    link: m.how_link,
    passphrase: m.how_passphrase,
    'passphrase-and-code': m.how_passphrase_and_code,
    passkey: m.how_passkey,
    provider: m.how_provider,
  };
  return words[how]?.() ?? how;
}
