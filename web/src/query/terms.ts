/**
 * A query, term by term, as far as the page must know: the core parses it for good. `field:value`, `field:a,b`,
 * `field>=value`, `-term`, `!term`, "two words"; everything else is free text.
 */
export interface Term {
  /** As written. */
  text: string;
  /** Where it begins and ends in the query. */
  start: number;
  end: number;
  negated: boolean;
  /** Lower case; null for free text. */
  field: string | null;
  operator: ':' | '>' | '>=' | '<' | '<=' | null;
  /** Each without quotes. For free text a single one. */
  values: string[];
}

const FIELDS = new Set([
  'severity',
  'client',
  'source',
  'state',
  'node',
  'rule',
  'ip',
  'host',
  'user',
  'hash',
  'domain',
  'after',
  'before',
]);

/** The terms of a query, in order. An open quote runs to the end. */
export function terms(query: string): Term[] {
  const found: Term[] = [];
  let at = 0;
  while (at < query.length) {
    if (/\s/.test(query.charAt(at))) {
      at += 1;
      continue;
    }
    const start = at;
    let quoted = false;
    while (at < query.length && (quoted || !/\s/.test(query.charAt(at)))) {
      if (quoted && query.charAt(at) === '\\') at += 1;
      else if (query.charAt(at) === '"') quoted = !quoted;
      at += 1;
    }
    at = Math.min(at, query.length);
    found.push(term(query.slice(start, at), start));
  }
  return found;
}

function term(text: string, start: number): Term {
  const negated = /^[-!]./.test(text);
  const body = negated ? text.slice(1) : text;
  const parts = /^([a-z_.]+)(>=|<=|:|>|<)(.*)$/is.exec(body);
  const field = parts?.[1]?.toLowerCase() ?? null;
  const end = start + text.length;
  if (!parts || field === null || !FIELDS.has(field))
    return { text, start, end, negated, field: null, operator: null, values: [unquote(body)] };
  return {
    text,
    start,
    end,
    negated,
    field,
    operator: parts[2] as Term['operator'],
    values: splitValues(parts[3] ?? ''),
  };
}

function splitValues(list: string): string[] {
  const values: string[] = [];
  let value = '';
  let quoted = false;
  for (let at = 0; at < list.length; at += 1) {
    const character = list.charAt(at);
    if (quoted && character === '\\') value += character + list.charAt(++at);
    else if (character === '"') {
      quoted = !quoted;
      value += character;
    } else if (character === ',' && !quoted) {
      values.push(unquote(value));
      value = '';
    } else value += character;
  }
  values.push(unquote(value));
  return values.filter((each) => each !== '');
}

function unquote(text: string): string {
  return text.replace(/\\(.)|"/gs, (_, escaped: string | undefined) => escaped ?? '');
}

/** A value as it must be written in a query: quoted where it would be read otherwise. */
export function quote(value: string): string {
  return /^[\p{L}\p{N}_.@/*:+][\p{L}\p{N}_.@/*:+-]*$/u.test(value)
    ? value
    : `"${value.replace(/[\\"]/g, (character) => `\\${character}`)}"`;
}

/** A term as text. Free text is quoted where it would be read as a field. */
export function write(field: string | null, values: readonly string[], negated = false): string {
  const sign = negated ? '-' : '';
  if (field === null) {
    const value = values[0] ?? '';
    const plain = /^[\p{L}\p{N}_.@/][\p{L}\p{N}_.@/-]*$/u.test(value);
    return sign + (plain ? value : `"${value.replace(/[\\"]/g, (character) => `\\${character}`)}"`);
  }
  return `${sign}${field}:${values.map(quote).join(',')}`;
}

function join(texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join(' ');
}

/** The query without the given term. */
export function without(query: string, gone: Term): string {
  return join(
    terms(query)
      .filter((each) => each.start !== gone.start)
      .map((each) => each.text),
  );
}

/** The query without any term of these fields. */
export function withoutFields(query: string, ...fields: string[]): string {
  return join(
    terms(query)
      .filter((each) => each.field === null || !fields.includes(each.field))
      .map((each) => each.text),
  );
}

/** The query with one more term; the same term a second time changes nothing, its opposite gives way. */
export function include(query: string, field: string | null, value: string, negated = false): string {
  const text = write(field, [value], negated);
  const opposite = write(field, [value], !negated);
  const texts = terms(query)
    .map((each) => each.text)
    .filter((each) => each !== opposite);
  return join(texts.includes(text) ? texts : [...texts, text]);
}

/** The values that the query demands of a field: from its plain, not negated terms. */
export function chosen(query: string, field: string): string[] {
  return terms(query)
    .filter((each) => each.field === field && each.operator === ':' && !each.negated)
    .flatMap((each) => each.values);
}

/** The query that demands just these values of a field; none lifts the demand. What it excludes stays excluded. */
export function choose(query: string, field: string, values: readonly string[]): string {
  const rest = terms(query).filter((each) => each.field !== field || each.negated);
  const texts = rest.map((each) => each.text);
  return join(values.length ? [...texts, write(field, values)] : texts);
}

/** The query with a value of a field switched on or off. */
export function toggle(query: string, field: string, value: string): string {
  const values = chosen(query, field);
  return choose(query, field, values.includes(value) ? values.filter((each) => each !== value) : [...values, value]);
}

/** From when to when the query looks, as written: `24h`, `7d`, a date or a date and time. */
export function span(query: string): { after: string | null; before: string | null } {
  return { after: chosen(query, 'after').at(-1) ?? null, before: chosen(query, 'before').at(-1) ?? null };
}
