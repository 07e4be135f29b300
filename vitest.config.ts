import { defineConfig } from 'vitest/config';
import { closingLine } from './test/helpers/closing-line.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/helpers/global-setup.ts'],
    pool: 'forks',
    // Two cores are what the smallest machine has; every file talks to real servers that need some of them too.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: ['default', closingLine()],
  },
});
