// Joins beside buyers who wait, half of them in event streams: what waiting costs those who do not wait yet.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../src/process/limits.ts';
import { withCpu } from '../cpu.ts';
import type { Context, Figure, Sample } from '../figure.ts';
import { type Jobs, runJob, startJobs } from '../jobs.ts';
import { residentMb } from '../open-loop.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type Front, startFront } from '../sluice.ts';
import { openJoins } from '../under-load.ts';
import type { WaitingJob, WaitingResult } from '../waiting-clients.ts';

const SOME = 5_000;
const MANY = limits.waitersMax;
/** Descriptors that a process needs for other things than waits: the connections of the joins, stores, files. */
const OTHER_FILES = 1_000;
/** Programs that wait, each from an address of its own: an address has 28,000 ports. */
const PROGRAMS = 2;
const CHANGES = 40;
/** Of the clients, to begin with. */
const WAITING_SHARE = 0.99;
/** Fewer than in other figures: nobody shall be refused where the machine is busy with others. */
const JOIN_CONNECTIONS = 64;

export const waiters: Figure = {
  name: 'waiters',
  ratios: [
    {
      text: `joins/s beside ${SOME} waits ÷ without`,
      bar: { atLeast: 0.9 },
      over: 'some.ratePerSecond',
      under: 'none.ratePerSecond',
    },
    {
      text: `joins/s beside ${MANY} waits ÷ without`,
      bar: { atLeast: 0.9 },
      over: 'many.ratePerSecond',
      under: 'none.ratePerSecond',
    },
    { text: `join p50 beside ${MANY} waits ÷ without`, bar: { atMost: 1.2 }, over: 'many.p50Ms', under: 'none.p50Ms' },
    { text: `join p99 beside ${MANY} waits ÷ without`, bar: { atMost: 2 }, over: 'many.p99Ms', under: 'none.p99Ms' },
    { text: `share of a core for ${MANY} waits alone`, bar: { atMost: 0.3 }, over: 'many.waitsCoreShare' },
    {
      text: 'a change told to its waiter beside all joins, slowest, ms',
      bar: { atMost: 1_000 },
      over: 'many.heardMaxMs',
    },
    { text: `front memory a wait, kB, with ${MANY}`, bar: { atMost: 40 }, over: 'many.waitKb' },
  ],
  async measure(context) {
    await using stack = new AsyncDisposableStack();
    const notes: string[] = [];
    const scene = await openScene(context, stack, notes);
    const some = context.quick ? 50 : SOME;
    const many = context.quick ? 200 : roomFor(MANY, notes);
    notes.push(`waits are half streams, half long-polls of 30 s; ${CHANGES} tickets are given back beside the joins.`);
    const contenders = Object.entries({ none: 0, some, many }).map(([name, count]) => contender(scene, name, count));
    return await alternate(context, contenders, notes);
  },
};

interface Scene {
  context: Context;
  front: Front;
  programs: Jobs[];
  joins: () => Promise<Sample>;
  notes: string[];
}

async function openScene(context: Context, stack: AsyncDisposableStack, notes: string[]): Promise<Scene> {
  const { stand } = context;
  const redis = await stand.redis();
  const databaseUrl = await (await stand.database()).url('waiters');
  const front = stack.use(await startFront({ redisUrl: redis.url, databaseUrl }));
  const program = new URL('../waiting-clients.ts', import.meta.url);
  const programs = await Promise.all(Array.from({ length: PROGRAMS }, () => startJobs('load', program, [])));
  for (const each of programs) stack.use(each);
  const joins = await openJoins({ ...context, connections: JOIN_CONNECTIONS }, front, {
    front: front.pid,
    redis: redis.pid,
  });
  return { context, front, programs, joins, notes };
}

/** Everybody waits on the one front, and only while this contender is measured: its core has no other work. */
const contender = (scene: Scene, name: string, count: number): Contender => ({
  name,
  open: async () => async () => {
    const { front, joins, context } = scene;
    const campaign = context.stand.freshName('waiting');
    await front.createCampaign({ id: campaign, stock: Math.max(1, count) });
    const before = residentMb(front.pid);
    try {
      await waitAll(scene, campaign, count);
      const waitKb = count === 0 ? 0 : ((residentMb(front.pid) - before) * 1_024) / count;
      const seconds = Math.max(1, context.seconds);
      const { micros } = await withCpu({ front: front.pid }, () => sleep(seconds * 1_000));
      const waits = { waitKb, waitsCoreShare: micros.front! / (seconds * 1_000_000) };
      const changing = count === 0 ? undefined : changeSome(scene);
      changing?.catch(() => undefined);
      const sample = await joins();
      return { ...sample, ...waits, ...(await changing) };
    } finally {
      await Promise.all(scene.programs.map((program) => job(program, { do: 'close' })));
    }
  },
});

const job = (program: Jobs, work: WaitingJob): Promise<WaitingResult> => runJob<WaitingResult>(program, work);

async function waitAll({ front, programs }: Scene, campaign: string, count: number): Promise<void> {
  if (count === 0) return;
  const each = count / programs.length;
  await Promise.all(
    programs.map((program, n) =>
      job(program, { do: 'open', port: front.port, campaign, count: each, source: `127.0.0.${n + 2}` }),
    ),
  );
  const deadline = performance.now() + 30_000;
  // A long-poll that has ended is asked again a moment later: hardly ever do all of them wait at once.
  while ((await waiting(front)) < count * WAITING_SHARE) {
    if (performance.now() > deadline) throw new Error(`${await waiting(front)} of ${count} clients wait`);
    await sleep(100);
  }
}

/** As the front's metrics tell it. */
async function waiting({ telemetryPort }: Front): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${telemetryPort}/metrics`)).text();
  const counts = [...text.matchAll(/^sluice_clients_waiting(?:\{[^}]*\})? (\d+)/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

async function changeSome({ programs }: Scene): Promise<Sample> {
  const results = await Promise.all(
    programs.map((program) => job(program, { do: 'change', count: CHANGES / PROGRAMS })),
  );
  const brokenCount = results.reduce((sum, result) => sum + result.brokenCount, 0);
  if (brokenCount > 0) throw new Error(`${brokenCount} waits ended before their time`);
  return { heardMaxMs: Math.max(...results.flatMap(({ heardMs }) => heardMs)) };
}

/** As many waits as a process may have descriptors for. */
function roomFor(count: number, notes: string[]): number {
  const filesMax = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  const room = Math.min(count, Math.floor((filesMax - OTHER_FILES) / 2) * 2);
  if (room < count) notes.push(`ulimit -n is ${filesMax}: ${room} waits instead of ${count}.`);
  return room;
}
