import { ask, http } from './api/client';

/** WebAuthn's JSON forms, as browsers read and write them (level 3). */
type Json = Record<string, never>;

/** True if this browser knows passkeys and their JSON forms. */
export function knowsPasskeys(): boolean {
  return typeof PublicKeyCredential === 'function' && 'parseRequestOptionsFromJSON' in PublicKeyCredential;
}

/** Has the browser show a passkey. Rejects with a DOMException where the person says no. */
export async function showPasskey(): Promise<{ ticket: string; credential: Json }> {
  const { ticket, options } = await ask(http.POST('/api/v1/session/passkey/begin'));
  const { publicKey } = options as { publicKey: PublicKeyCredentialRequestOptionsJSON };
  const shown = await navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey),
  });
  return { ticket, credential: (shown as PublicKeyCredential).toJSON() as Json };
}

/** Has the browser make a passkey for whoever is signed in, and keeps it under this name. */
export async function makePasskey(name: string): Promise<void> {
  const { ticket, options } = await ask(http.POST('/api/v1/me/passkeys/begin'));
  const { publicKey } = options as { publicKey: PublicKeyCredentialCreationOptionsJSON };
  const made = await navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey),
  });
  const credential = (made as PublicKeyCredential).toJSON() as Json;
  await ask(http.POST('/api/v1/me/passkeys', { body: { ticket, name, credential } }));
}
