import type { Bucket } from '$lib/api/schema';

export function sum(bucket: Bucket): number {
  return bucket.low + bucket.medium + bucket.high + bucket.critical;
}

/** The next round figure above the highest bar: 1, 2 or 5 times a power of ten. */
export function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= most) ?? most;
}

/** Every how many bars a label fits below. */
export function tickEvery(bars: number, width: number, label = 76): number {
  const fit = Math.max(1, Math.floor(width / label));
  const least = Math.max(1, Math.ceil(bars / fit));
  return [1, 2, 3, 4, 6, 8, 12, 24, 48, 72, 96, 168].find((each) => each >= least) ?? least;
}
