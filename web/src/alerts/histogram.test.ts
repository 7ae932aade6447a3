import { expect, test } from 'vitest';
import { ticks } from './histogram';

const days = (hours: number[]) => hours.flatMap((many, day) => Array<string>(many).fill(`day ${day}`));

test('hours have their labels where they fit', () => {
  const hours = Array.from({ length: 24 }, (_, hour) => `${hour}:00`);
  expect(ticks(hours, 1000)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22]);
});

test('a day has its label once, where it begins, and a day cut short leaves its room to the next', () => {
  expect(ticks(days([3, 24, 24, 24, 9]), 840)).toEqual([3, 27, 51, 75]);
  expect(ticks(days([20, 24, 24]), 680)).toEqual([0, 20, 44]);
});

test('no label is cut at the end, and nothing has no labels', () => {
  expect(ticks(days([24, 24, 2]), 500)).toEqual([0, 24]);
  expect(ticks([], 500)).toEqual([]);
});
