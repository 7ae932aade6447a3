import { expect, it } from 'vitest';
import { fromInput, toInput } from './moments';

it('reads and shows moments in the zone of the reader', () => {
  expect(fromInput('2026-07-01T12:30', 'Europe/Paris')).toBe('2026-07-01T10:30:00.000Z');
  expect(toInput('2026-07-01T10:30:00.000Z', 'Europe/Paris')).toBe('2026-07-01T12:30');
  expect(toInput('nonsense', 'UTC')).toBe('');
  expect(toInput('', 'UTC')).toBe('');
});
