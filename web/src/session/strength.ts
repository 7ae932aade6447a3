export type Strength = 'short' | 'weak' | 'fair' | 'good';

/** Fewest characters of a passphrase; the core asks for as many. */
export const SHORTEST = 12;

/** A hint while typing: length counts most; repetitions, rows of the keyboard and the own name count little. The core decides. */
export function strength(passphrase: string, name: string): Strength {
  const characters = Array.from(passphrase);
  if (characters.length < SHORTEST) return 'short';
  const lower = passphrase.toLowerCase();
  const owned = name.length >= 3 ? lower.replaceAll(name.toLowerCase(), '') : lower;
  const rest = owned
    .replace(/(.)\1{2,}/gu, '$1')
    .replace(/(..+?)\1+/gu, '$1')
    .replace(
      /(?:0?123456789?0?|abcdef\w*|qwert[yz]\w*|azert\w*|asdfgh?j?|passwor[td]|motdepasse|letmein|welcome|bienvenue|socme)/gu,
      '',
    );
  const left = Array.from(rest).length;
  const different = new Set(rest).size;
  if (left < 8 || different < 6) return 'weak';
  const words = rest.split(/[\s\-_.]+/).filter((word) => word.length >= 3).length;
  return left >= 20 || (words >= 4 && left >= 16) ? 'good' : 'fair';
}
