import { searchParams } from 'sv-router';

/** A parameter of the address as text: sv-router itself would read `q=2024897` as a number. */
export function param(name: string): string {
  return searchParams.toURLSearchParams().get(name) ?? '';
}

/** A search string with these parameters; empty ones are left out. */
export function search(parameters: Record<string, string>): string {
  const filled = Object.entries(parameters).filter(([, value]) => value !== '');
  return new URLSearchParams(filled).toString();
}

/** Where to go after signing in: a path of this application, or home. */
export function safePath(path: string): string {
  try {
    const url = new URL(path, location.origin);
    return path.startsWith('/') && url.origin === location.origin ? url.pathname + url.search : '/';
  } catch {
    return '/';
  }
}
