// What a front costs with one waiting buyer in each campaign, half of them in event streams, and no worker that serves them.
import { setTimeout as sleep } from 'node:timers/promises';
import { runJob, startJobs } from '../jobs.ts';
import type { WaitingJob } from '../waiting-clients.ts';
import { IDLE_MS, idleShares, megabytes, openScene, SETTLE_MS } from './scene.ts';

export const WAITS_COLUMNS = 'campaigns with one waiting buyer | front % of a core | Redis % | front MB';

export async function measureWaits(open: number, checkout: string): Promise<string[]> {
  await using scene = await openScene(open, checkout);
  const { front, redis } = scene;
  await using program = await startJobs('load', new URL('../waiting-clients.ts', import.meta.url), []);
  const run = (job: WaitingJob) => runJob(program, job);
  await run({ do: 'join', port: front.port, campaign: 'idle-', count: open, first: 0, each: true });
  await run({ do: 'wait', count: open });
  await sleep(SETTLE_MS);
  const shares = await idleShares({ front: front.pid, redis: redis.pid }, IDLE_MS, sleep);
  const memory = megabytes(front.pid);
  await run({ do: 'close' });
  return [String(open), ...shares, memory];
}
