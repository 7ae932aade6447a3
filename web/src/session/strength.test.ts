import { expect, it } from 'vitest';
import { strength } from './strength';

it('calls what is easy to guess by its name', () => {
  expect(strength('short', 'admin')).toBe('short');
  expect(strength('aaaaaaaaaaaaaaaa', 'admin')).toBe('weak');
  expect(strength('adminadminadmin', 'admin')).toBe('weak');
  expect(strength('password12345678', 'admin')).toBe('weak');
  expect(strength('three large boats at dawn', 'admin')).toBe('good');
});
