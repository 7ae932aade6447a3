import { expect, it } from 'vitest';
import { changeOf, draftOf, newOf, slugOf } from './draft';

it('makes the word in the return address as the core would', () => {
  expect(slugOf({ slug: '', name: 'Our Company (SSO)' })).toBe('our-company-sso');
  expect(slugOf({ slug: '', name: '!' })).toBe('provider');
  expect(slugOf({ slug: 'own', name: 'Other' })).toBe('own');
});

it('leaves a stored secret alone unless another is typed', () => {
  const draft = { ...draftOf(null), name: 'Company', domains: 'acme.example, acme.fr', groups: 'Night shift\n\nsoc' };
  expect('secret' in changeOf(draft)).toBe(false);
  expect(changeOf({ ...draft, secret: 's' }).secret).toBe('s');
  expect(newOf(draft).rules).toMatchObject({ domains: ['acme.example', 'acme.fr'], groups: ['Night shift', 'soc'] });
});
