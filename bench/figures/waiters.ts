// Joins beside buyers who wait, half of them in event streams: what waiting costs those who do not wait yet.
import { setTimeout as sleep } from 'node:timers/promises';
import { publicConnectionsMax } from '../../src/doctor/open-files.ts';
import { limits } from '../../src/process/limits.ts';
import { withCpu } from '../cpu.ts';
import type { Context, Figure, Sample } from '../figure.ts';
import { type Jobs, runJob, startJobs } from '../jobs.ts';
import { residentMb } from '../open-loop.ts';
import { openFilesMax } from '../processes.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type Front, startFront } from '../sluice.ts';
import { openJoins } from '../under-load.ts';
import type { WaitingJob, WaitingResult } from '../waiting-clients.ts';

const SOME = 5_000;
const MANY = limits.waitersMax;
/** Connections to the front besides those that wait and join: whoever gives tickets back, and one that a close overtakes. */
const SPARE_CONNECTIONS = 64;
/** Programs that wait: a process has so many files. */
const PROGRAMS = 2;
/** Opening so many waits leaves the collector work that one round of usual length would count as theirs. */
const LONGER = 3;
const CHANGES = 120;
const CHANGES_QUICK = 20;
/** Of the clients: a long-poll that has ended is asked again a moment later. */
const WAITING_SHARE = 0.98;

export const waiters: Figure = {
  name: 'waiters',
  ratios: [
    {
      text: `joins/s beside ${SOME} waits ÷ without`,
      bar: { atLeast: 0.9 },
      over: 'some.ratePerSecond',
      under: 'some.aloneRatePerSecond',
    },
    {
      text: `joins/s beside ${MANY} waits ÷ without`,
      bar: { atLeast: 0.9 },
      over: 'many.ratePerSecond',
      under: 'many.aloneRatePerSecond',
    },
    {
      text: `join p50 beside ${MANY} waits ÷ without`,
      bar: { atMost: 1.2 },
      over: 'many.p50Ms',
      under: 'many.aloneP50Ms',
    },
    {
      text: `join p99 beside ${MANY} waits ÷ without`,
      bar: { atMost: 2 },
      over: 'many.p99Ms',
      under: 'many.aloneP99Ms',
    },
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
    const scene = await openScene({ ...context, seconds: LONGER * context.seconds }, stack);
    const some = context.quick ? 50 : SOME;
    const many = context.quick ? 200 : roomFor(MANY, context.connections, notes);
    notes.push(`each measurement takes ${(LONGER * context.seconds).toFixed(1)} s.`);
    notes.push('each round measures joins before the waits are opened, beside them, and after they are closed.');
    notes.push(
      `half of the waits are streams, half long-polls of 30 s, of which ${Math.round(many / 60)} a second end and come again.`,
    );
    notes.push(
      `${scene.changes} tickets are given back beside the joins; each time the streams behind hear of another place.`,
    );
    await joinAll(scene, many + 2 * (context.rounds + 1) * 2 * scene.changes);
    const contenders = Object.entries({ some, many }).map(([name, count]) => contender(scene, name, count));
    return await alternate(context, contenders, notes);
  },
};

interface Scene {
  context: Context;
  /** Tickets that are given back while one measurement runs; fewer than clients wait. */
  changes: number;
  front: Front;
  programs: Jobs[];
  joins: () => Promise<Sample>;
  /** Of the front before anybody waits; what a round leaves behind for the collector counts as memory of the next. */
  emptyMb: number;
}

async function openScene(context: Context, stack: AsyncDisposableStack): Promise<Scene> {
  const { stand } = context;
  const redis = await stand.redis();
  const databaseUrl = await (await stand.database()).url('waiters');
  const front = stack.use(await startFront({ redisUrl: redis.url, databaseUrl }));
  const program = new URL('../waiting-clients.ts', import.meta.url);
  const programs = await Promise.all(Array.from({ length: PROGRAMS }, () => startJobs('load', program, [])));
  for (const each of programs) stack.use(each);
  const joins = await openJoins(context, front, {
    front: front.pid,
    redis: redis.pid,
  });
  const changes = context.quick ? CHANGES_QUICK : CHANGES;
  return { context, changes, front, programs, joins, emptyMb: residentMb(front.pid) };
}

/** Everybody who will wait joins beforehand: the rounds open waits only. */
async function joinAll({ context, front, programs }: Scene, count: number): Promise<void> {
  const campaign = context.stand.freshName('waiting');
  await front.createCampaign({ id: campaign, stock: count });
  const share = { port: front.port, campaign, count: count / PROGRAMS };
  await inAll(programs, (n) => ({ do: 'join', ...share, first: n }));
}

/**
 * Everybody waits on the one front, and only while this contender is measured: its core has no other work. Joins without
 * waits are measured before and after, because a machine gets slower or faster within a round.
 */
const contender = (scene: Scene, name: string, count: number): Contender => ({
  name,
  open: async () => async () => {
    const { joins } = scene;
    const before = await joins();
    const beside = await besideWaits(scene, count);
    const after = await joins();
    return {
      ...beside,
      aloneRatePerSecond: middle(before.ratePerSecond!, after.ratePerSecond!),
      aloneP50Ms: middle(before.p50Ms!, after.p50Ms!),
      aloneP99Ms: middle(before.p99Ms!, after.p99Ms!),
      aloneFrontCpuUs: middle(before.frontCpuUs!, after.frontCpuUs!),
    };
  },
});

const middle = (one: number, other: number): number => (one + other) / 2;

/** What waits cost alone, and joins beside them. */
async function besideWaits(scene: Scene, count: number): Promise<Sample> {
  const { front, programs, joins, context, emptyMb, changes } = scene;
  try {
    await waitAll(scene, count);
    const waitKb = ((residentMb(front.pid) - emptyMb) * 1_024) / count;
    const seconds = Math.max(1, context.seconds);
    const { micros } = await withCpu({ front: front.pid }, () => sleep(seconds * 1_000));
    const waitsCoreShare = micros.front! / (seconds * 1_000_000);
    const changing = changeSome(scene);
    changing.catch(() => undefined);
    const sample = await joins();
    const changed = await changing;
    const waitsLeft = await waiting(front);
    if (waitsLeft < (count - changes) * WAITING_SHARE)
      throw new Error(`${waitsLeft} of ${count} clients waited to the end`);
    return { ...sample, waitKb, waitsCoreShare, waitsLeft, ...changed };
  } finally {
    await inAll(programs, () => ({ do: 'close' }));
  }
}

const inAll = (programs: Jobs[], work: (n: number) => WaitingJob): Promise<WaitingResult[]> =>
  Promise.all(programs.map((program, n) => runJob<WaitingResult>(program, work(n))));

async function waitAll({ front, programs }: Scene, count: number): Promise<void> {
  await inAll(programs, () => ({ do: 'wait', count: count / PROGRAMS }));
  const deadline = performance.now() + 30_000;
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

async function changeSome({ programs, changes }: Scene): Promise<Sample> {
  const startedAt = performance.now();
  const results = await inAll(programs, () => ({ do: 'change', count: changes / PROGRAMS }));
  const placesPerSecond = sumOf(results, 'placesCount') / ((performance.now() - startedAt) / 1_000);
  const brokenCount = sumOf(results, 'brokenCount');
  if (brokenCount > 0) throw new Error(`${brokenCount} waits ended before their time`);
  return { heardMaxMs: Math.max(...results.flatMap(({ heardMs }) => heardMs)), placesPerSecond };
}

const sumOf = (results: WaitingResult[], count: 'placesCount' | 'brokenCount'): number =>
  results.reduce((sum, result) => sum + result[count], 0);

/** As many waits as the front has connections for, by its limit of open files, which the programs that wait share. */
function roomFor(count: number, joining: number, notes: string[]): number {
  const room = publicConnectionsMax({ told: openFilesMax }) - joining - SPARE_CONNECTIONS;
  // A whole number for each program, half of it streams.
  const taken = Math.min(count, room - (room % (2 * PROGRAMS)));
  if (taken < count) {
    notes.push(
      `NOT ${count} waits but ${taken}: a process may open ${openFilesMax} files here, and no program may raise that.`,
    );
  }
  return taken;
}
