import { expect, it } from 'vitest';
import { readAgent } from './agent';

it('says in words what a browser calls itself', () => {
  const words = (text: string) => {
    const { kind, browser, system } = readAgent(text);
    return [kind, browser, system].join(' | ');
  };
  expect(words('Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0')).toBe(
    'computer | Firefox 128 | Linux',
  );
  const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  expect(
    words(`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0`),
  ).toBe('computer | Edge 126 | Windows');
  expect(words(`Mozilla/5.0 (Linux; Android 10; K) ${webkit} Chrome/126.0.0.0 Mobile Safari/537.36`)).toBe(
    'phone | Chrome 126 | Android',
  );
  const safari = 'AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5';
  expect(words(`Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) ${safari} Mobile/15E148 Safari/604.1`)).toBe(
    'phone | Safari 17 | iOS',
  );
  expect(words(`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${safari} Safari/605.1.15`)).toBe(
    'computer | Safari 17 | macOS',
  );
  expect(words('curl/8.5.0')).toBe('program | curl 8.5.0 | ');
  expect(words('<script>')).toBe('program |  | ');
});
