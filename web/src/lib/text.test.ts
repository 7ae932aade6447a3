import { expect, it } from 'vitest';
import { endpoint, shorten, visible, visibleBlock } from './text';

it('shows what an attacker hid in a text', () => {
  expect(visible('a\u001b[31mb\u202ec\n')).toBe('a␛[31mb⟨U+202E⟩c␊');
  expect(visibleBlock('a\n\tb\u0000')).toBe('a\n\tb␀');
  expect(visible('<img src=x onerror=alert(1)>')).toBe('<img src=x onerror=alert(1)>');
});

it('shortens in the middle and never splits a character', () => {
  expect(shorten('/usr/share/nginx/html/index.html', 15)).toBe('/usr/sh…ex.html');
  expect(shorten('😀'.repeat(50), 5)).toBe('😀😀…😀😀');
  expect(shorten('short', 10)).toBe('short');
});

it('writes addresses with ports as people do', () => {
  expect(endpoint('10.0.0.1', 443)).toBe('10.0.0.1:443');
  expect(endpoint('2001:db8::1', 443)).toBe('[2001:db8::1]:443');
  expect(endpoint(null, 443)).toBe('');
});
