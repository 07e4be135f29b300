import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { closingLine } from './test/helpers/closing-line.ts';
import { DEADLINES } from './test/helpers/deadlines.ts';
import { LongestFirst, testFiles } from './test/helpers/plan.ts';

const { served, own, pure } = testFiles();

// Hundreds of processes are started, and each compiles the same modules: with Node's cache a start takes half its time.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/node-compile', import.meta.url));

export default defineConfig({
  test: {
    pool: 'forks',
    // Two cores are what the smallest machine has. Two more files run while two wait: most of them wait for real servers.
    maxWorkers: 4,
    ...DEADLINES,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', closingLine()],
    projects: [
      {
        extends: true,
        test: {
          name: 'served',
          include: served,
          globalSetup: ['test/helpers/global-setup.ts'],
          setupFiles: ['test/helpers/own-lines.ts'],
        },
      },
      { extends: true, test: { name: 'own', include: own } },
      { extends: true, test: { name: 'pure', include: pure, setupFiles: ['test/helpers/no-servers.ts'] } },
    ],
  },
});
