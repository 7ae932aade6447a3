import type { Deed, WatchedHost } from '$lib/api/schema';

/** True for a CVE's number, as the core takes it. */
export function isCve(text: string): boolean {
  return /^CVE-\d{4}-\d{4,10}$/.test(text);
}

/** The groups, addresses and spans of time that the core takes. */
export function isGroup(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,128}$/.test(text) && !['.', '..', 'all'].includes(text);
}

export function isAddress(text: string): boolean {
  const four = text.split('.');
  if (four.length === 4 && four.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return true;
  if (!/^[0-9a-f:.]+$/i.test(text) || !text.includes(':')) return false;
  try {
    return new URL(`http://[${text}]/`).hostname !== '';
  } catch {
    return false;
  }
}

export function isBlockTime(seconds: number | null | undefined): seconds is number {
  return typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 60 && seconds <= 86_400;
}

/** True where the agent itself has to hear of it, and is silent. */
export function isDeaf(host: Pick<WatchedHost, 'state'>, deed: Deed['deed']): boolean {
  return host.state !== 'active' && deed !== 'add_to_group' && deed !== 'remove_from_group';
}
