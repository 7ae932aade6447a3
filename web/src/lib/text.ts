/**
 * Text from nodes is hostile: whoever wrote a log line may have written it to deceive. It is never markup, and what can't be
 * seen (control and formatting characters, direction overrides) is made visible.
 */

/** Control, format, private-use, surrogate and line-separator characters; blanks that look like nothing at all. */
const hidden = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\u2800]/gu;

/** As {@link hidden}, line breaks and tabs excepted: for text shown over several lines. */
const hiddenInBlock = /(?![\n\t])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\u2800]/gu;

function reveal(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '␡';
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/** One line of text with nothing hidden: control characters as pictures, others as their code point. */
export function visible(text: string): string {
  return text.replace(hidden, reveal);
}

/** Several lines of text with nothing hidden; line breaks and tabs stay. */
export function visibleBlock(text: string): string {
  return text.replace(hiddenInBlock, reveal);
}

/** At most `most` characters: the middle gives way, since the ends of a name or path tell more. Never splits a surrogate pair. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const characters = Array.from(text.length > most * 4 ? text.slice(0, most * 2) + text.slice(-most * 2) : text);
  if (characters.length <= most) return text;
  const head = Math.ceil((most - 1) / 2);
  const tail = most - 1 - head;
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - tail).join('')}`;
}

/** An address and port as people write them: `10.0.0.1:443`, `[2001:db8::1]:443`. */
export function endpoint(ip: string | null | undefined, port: number | null | undefined): string {
  if (!ip) return '';
  if (port == null) return ip;
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}
