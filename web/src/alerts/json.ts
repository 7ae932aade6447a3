/**
 * JSON as it was written: numbers keep their digits (Suricata's flow ids exceed 2^53), doubled keys stay, order stays. Built for
 * hostile input: depth is bounded, and anything that is not JSON gives null.
 */
export type Json =
  | { kind: 'object'; entries: [string, Json][] }
  | { kind: 'array'; items: Json[] }
  | { kind: 'string'; value: string }
  | { kind: 'literal'; text: string };

const DEEPEST = 200;

export function parseJson(text: string): Json | null {
  const parser = new Parser(text);
  try {
    return parser.whole();
  } catch (error) {
    if (error instanceof NotJson) return null;
    throw error;
  }
}

class NotJson extends Error {}

class Parser {
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Json {
    const value = this.#value(0);
    this.#blank();
    if (this.#at < this.#text.length) throw new NotJson();
    return value;
  }

  #value(depth: number): Json {
    if (depth > DEEPEST) throw new NotJson();
    this.#blank();
    const character = this.#text.charAt(this.#at);
    if (character === '{') return { kind: 'object', entries: this.#list('}', () => this.#entry(depth)) };
    if (character === '[') return { kind: 'array', items: this.#list(']', () => this.#value(depth + 1)) };
    if (character === '"') return { kind: 'string', value: this.#string() };
    return { kind: 'literal', text: this.#match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y) };
  }

  #entry(depth: number): [string, Json] {
    this.#blank();
    const key = this.#string();
    this.#blank();
    this.#expect(':');
    return [key, this.#value(depth + 1)];
  }

  #list<T>(end: string, each: () => T): T[] {
    const found: T[] = [];
    this.#at += 1;
    this.#blank();
    if (this.#text.charAt(this.#at) === end) {
      this.#at += 1;
      return found;
    }
    for (;;) {
      found.push(each());
      this.#blank();
      if (this.#text.charAt(this.#at) === end) {
        this.#at += 1;
        return found;
      }
      this.#expect(',');
    }
  }

  #string(): string {
    const start = this.#at;
    if (this.#text.charAt(start) !== '"') throw new NotJson();
    let end = start + 1;
    while (end < this.#text.length && this.#text.charAt(end) !== '"') end += this.#text.charAt(end) === '\\' ? 2 : 1;
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      throw new NotJson();
    }
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (!found) throw new NotJson();
    this.#at += found.length;
    return found;
  }

  #expect(character: string): void {
    if (this.#text.charAt(this.#at) !== character) throw new NotJson();
    this.#at += 1;
  }

  #blank(): void {
    while (/[ \t\n\r]/.test(this.#text.charAt(this.#at))) this.#at += 1;
  }
}

/** One line of the tree on the screen. */
export interface Line {
  /** Where it is: `alert.metadata[0]`; unique. */
  path: string;
  depth: number;
  /** Its key or index; null for the root. */
  key: string | null;
  value: Json;
  /** How many it holds; null for a value without children. */
  size: number | null;
  open: boolean;
}

/** The lines of a tree, with what is folded left out. At most `most`. */
export function lines(
  root: Json,
  isOpen: (path: string, depth: number, size: number) => boolean,
  most: number,
): Line[] {
  const found: Line[] = [];
  const visit = (value: Json, path: string, key: string | null, depth: number) => {
    if (found.length >= most) return;
    const children = childrenOf(value);
    const open = children !== null && isOpen(path, depth, children.length);
    found.push({ path, depth, key, value, size: children?.length ?? null, open });
    if (!open || !children) return;
    for (const [name, child] of children) visit(child, joinPath(path, name, value.kind === 'array'), name, depth + 1);
  };
  visit(root, '', null, 0);
  return found;
}

/** The paths of what holds `words` in key or value, and of everything above it. */
export function search(root: Json, words: string): { hits: Set<string>; above: Set<string> } {
  const wanted = words.toLowerCase();
  const hits = new Set<string>();
  const above = new Set<string>();
  const visit = (value: Json, path: string, key: string | null, parents: string[]) => {
    const text = value.kind === 'string' ? value.value : value.kind === 'literal' ? value.text : '';
    if (key?.toLowerCase().includes(wanted) || text.toLowerCase().includes(wanted)) {
      hits.add(path);
      for (const parent of parents) above.add(parent);
    }
    for (const [name, child] of childrenOf(value) ?? [])
      visit(child, joinPath(path, name, value.kind === 'array'), name, [...parents, path]);
  };
  visit(root, '', null, []);
  return { hits, above };
}

function childrenOf(value: Json): [string, Json][] | null {
  if (value.kind === 'object') return value.entries;
  return value.kind === 'array' ? value.items.map((item, at) => [String(at), item]) : null;
}

function joinPath(path: string, name: string, index: boolean): string {
  if (index) return `${path}[${name}]`;
  const plain = /^[A-Za-z_@][\w@-]*$/.test(name);
  if (!plain) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

/** A value as text: a string without its quotes, everything else as JSON. */
export function textOf(value: Json): string {
  return value.kind === 'string' ? value.value : written(value, '');
}

function written(value: Json, indent: string): string {
  if (value.kind === 'string') return JSON.stringify(value.value);
  if (value.kind === 'literal') return value.text;
  const inner = `${indent}  `;
  const parts =
    value.kind === 'object'
      ? value.entries.map(([key, child]) => `${inner}${JSON.stringify(key)}: ${written(child, inner)}`)
      : value.items.map((item) => `${inner}${written(item, inner)}`);
  const [open, close] = value.kind === 'object' ? ['{', '}'] : ['[', ']'];
  return parts.length ? `${open}\n${parts.join(',\n')}\n${indent}${close}` : `${open}${close}`;
}
