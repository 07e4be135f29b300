// How long a test may take. These are deadlines of correctness: a machine that is busy with something else needs most of
// them, and whatever measures time is a figure of the benchmark.

/** For what a test waits for, ms. */
export const DEADLINE_MS = 60_000;

/** Of every configuration of vitest. */
export const DEADLINES = {
  testTimeout: 2 * DEADLINE_MS,
  hookTimeout: 2 * DEADLINE_MS,
  expect: { poll: { timeout: DEADLINE_MS, interval: 10 } },
} as const;
