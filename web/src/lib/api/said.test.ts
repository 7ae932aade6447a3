import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { sentences } from './said';

it('knows only sentences that the core says', () => {
  const crates = fileURLToPath(new URL('../../../../crates', import.meta.url));
  const sources = ['core/src', 'store/src', 'wire/src'].flatMap((folder) =>
    readdirSync(`${crates}/${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.rs'))
      .map((name) => readFileSync(`${crates}/${folder}/${name}`, 'utf8')),
  );
  const core = sources.join('\n').toLowerCase();
  // The store's sentences get their capital letter and their full stop when they are sent.
  for (const sentence of sentences) expect(core).toContain(`"${sentence.toLowerCase().replace(/\.$/, '')}`);
});
