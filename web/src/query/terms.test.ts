import { describe, expect, it } from 'vitest';
import { choose, chosen, include, terms, toggle, withoutFields, write } from './terms';

describe('a query, term by term', () => {
  it('tells fields, negation and free text apart', () => {
    const found = terms('severity>=high -client:acme "two words" 10.0.0.1');
    expect(found.map((term) => [term.field, term.negated, term.values])).toEqual([
      ['severity', false, ['high']],
      ['client', true, ['acme']],
      [null, false, ['two words']],
      [null, false, ['10.0.0.1']],
    ]);
  });

  it('reads several values, quoted ones too', () => {
    expect(terms('node:"first floor",cellar')[0]?.values).toEqual(['first floor', 'cellar']);
  });

  it('writes what it reads', () => {
    for (const value of ['plain', 'two words', 'a"b', 'a,b', 'back\\slash']) {
      expect(terms(write('host', [value]))[0]?.values).toEqual([value]);
    }
  });

  it('adds, chooses and drops terms without touching the others', () => {
    expect(include('state:open', 'ip', '10.0.0.1')).toBe('state:open ip:10.0.0.1');
    expect(include('state:open', 'ip', '10.0.0.1', true)).toBe('state:open -ip:10.0.0.1');
    expect(chosen(choose('sqlmap', 'severity', ['high', 'critical']), 'severity')).toEqual(['high', 'critical']);
    expect(toggle(toggle('sqlmap', 'state', 'open'), 'state', 'open')).toBe('sqlmap');
    expect(withoutFields('client:acme sqlmap after:24h', 'client', 'after')).toBe('sqlmap');
  });

  it('survives an open quote and nonsense', () => {
    expect(terms('"never closed').length).toBe(1);
    expect(terms(':: -- ! , "" field:').length).toBeGreaterThan(0);
  });
});
