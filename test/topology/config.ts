// The suites that have to hold on any Redis, run on a Cluster or behind Sentinels: `npm run test:cluster` and
// `npm run test:sentinel`. What is not in the list either needs no Redis or brings one of its own.
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { closingLine } from '../helpers/closing-line.ts';
import { DEADLINES } from '../helpers/deadlines.ts';

const EVERYWHERE = [
  'test/redis/*.test.ts',
  'test/lua/*.test.ts',
  'test/admission/*.test.ts',
  'test/contract/*.test.ts',
  'test/http/*.test.ts',
  'test/workers/*.test.ts',
  'test/integration/*.test.ts',
];

export function onTopology(topology: 'cluster' | 'sentinel'): ViteUserConfig {
  return defineConfig({
    root: new URL('../..', import.meta.url).pathname,
    test: {
      include: [...EVERYWHERE, `test/topology/${topology}*.test.ts`],
      globalSetup: ['test/helpers/global-setup.ts'],
      setupFiles: ['test/helpers/own-lines.ts'],
      provide: { topology },
      pool: 'forks',
      // A Cluster has one database, so that files side by side would issue each other's tickets.
      maxWorkers: 1,
      ...DEADLINES,
      reporters: ['default', closingLine()],
    },
  });
}
