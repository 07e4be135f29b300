import { defineConfig } from 'vitest/config';
import { closingLine } from './test/helpers/closing-line.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/helpers/global-setup.ts'],
    pool: 'forks',
    // Two cores are what the smallest machine has; every file talks to real servers that need some of them too.
    maxWorkers: 2,
    // A deadline, not a measurement: both cores may be busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default', closingLine()],
  },
});
