import { expect, it } from 'vitest';
import { parseJson } from './json';

it('keeps numbers that JavaScript would round', () => {
  const parsed = parseJson('{"flow_id":1946432423433533999}');
  expect(JSON.stringify(parsed)).toContain('1946432423433533999');
});

it('gives up on what is no JSON and on what is nested without end, and never throws', () => {
  expect(parseJson('not json')).toBeNull();
  expect(() => parseJson('['.repeat(100_000))).not.toThrow();
});
