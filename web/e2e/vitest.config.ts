import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The stories that go through the whole product: real processes, a real browser. `scripts/e2e` runs them. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  test: {
    include: ['*.story.ts'],
    environment: 'node',
    // One after the other: they share two processors, and one measures time.
    fileParallelism: false,
    expect: { poll: { timeout: 20_000, interval: 50 } },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
