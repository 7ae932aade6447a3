import { expect, it } from 'vitest';
import en from '../messages/en.json';
import fr from '../messages/fr.json';

it('says everything in French too, with the same parameters', () => {
  expect(Object.keys(fr).sort()).toEqual(Object.keys(en).sort());
  const parameters = (message: unknown) => [...new Set(JSON.stringify(message).match(/\{\w+\}/g) ?? [])].sort().join();
  for (const [key, message] of Object.entries(en)) {
    expect([key, parameters((fr as Record<string, unknown>)[key])]).toEqual([key, parameters(message)]);
  }
});

it('writes French by its own rules: no-break spaces before double punctuation and within quotation marks', () => {
  for (const [key, message] of Object.entries(fr)) {
    if (key.startsWith('$')) continue;
    const text = JSON.stringify(message);
    expect([key, / [:;!?»]|« /.exec(text.replace(/"[\w=*]+": ?/g, ''))?.[0]]).toEqual([key, undefined]);
  }
});
