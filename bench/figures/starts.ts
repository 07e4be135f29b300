// How long a first start and a stop of the private servers take: what `npm start` adds to a machine that has neither.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalServices } from '../../src/local/services.ts';
import type { Figure } from '../figure.ts';
import { alternate, type Contender } from '../rounds.ts';

export const starts: Figure = {
  name: 'starts',
  ratios: [
    {
      text: 'first start of a private Redis and MariaDB in an empty folder, ms',
      bar: { atMost: 3_000 },
      over: 'servers.startMs',
    },
    { text: 'their stop, ms', bar: { atMost: 3_000 }, over: 'servers.stopMs' },
  ],
  measure: (context) => alternate(context, [servers]),
};

const servers: Contender = {
  name: 'servers',
  open: async () => async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'sluice-bench-start-'));
    try {
      const startedAt = performance.now();
      const services = await startLocalServices({ dataDir, redis: true, database: true, report: () => undefined });
      const readyAt = performance.now();
      await services.close();
      return { startMs: readyAt - startedAt, stopMs: performance.now() - readyAt };
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  },
};
