import type { Bucket } from '$lib/api/schema';

export function sum(bucket: Bucket): number {
  return bucket.low + bucket.medium + bucket.high + bucket.critical;
}

/** The next round figure above the highest bar: 1, 2 or 5 times a power of ten. */
export function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= most) ?? most;
}

/** Which bars have their label below: only where it changes, as many as fit, and whole. */
export function ticks(labels: string[], width: number, room = 76): number[] {
  const step = width / Math.max(1, labels.length);
  const changes = labels.flatMap((label, index) => (label === labels[index - 1] ? [] : [index]));
  const [first, second] = changes;
  if (first !== undefined && second !== undefined && labels.length > changes.length && (second - first) * step < room)
    changes.shift();
  const every = everyHowMany(changes.length, width, room);
  return changes.filter((index, nth) => nth % every === 0 && width - index * step >= room / 2);
}

function everyHowMany(bars: number, width: number, room: number): number {
  const least = Math.max(1, Math.ceil(bars / Math.max(1, Math.floor(width / room))));
  return [1, 2, 3, 4, 6, 8, 12, 24, 48, 72, 96, 168].find((each) => each >= least) ?? least;
}
