// A rebuild that takes long, with several workers who could do it: nobody begins it twice, and who dies loses little.
import { limits } from '../../../src/process/limits.ts';
import { insertOfRows } from '../../helpers/many-rows.ts';
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import { ADMIN_TOKEN } from '../stage/sluice.ts';
import type { House, Stage } from '../stage/stage.ts';
import { keyOf, SHORT_GRACE } from './watch.ts';

const SALE = { id: 'long-sale' };
/** A rebuild ends within this, whatever happens to its builders. */
const PATIENCE_MS = 120_000;
/** What two runs of the same work differ by on a machine that does something else as well. */
const NOISE = 1.25;

async function soldHouse(stage: Stage, rows: number): Promise<House> {
  const house = await stage.house({ workers: ['w1'], worker: SHORT_GRACE });
  const made = await fetch(`${house.front.adminUrl}/admin/campaigns`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...SALE, stock: rows }),
  });
  if (made.status !== 201) throw new Error(`no campaign: ${made.status} ${await made.text()}`);
  const many = insertOfRows(SALE.id, rows);
  await house.database.sql(many.sql, many.params);
  return house;
}

const gateOf = (house: House, ...fields: string[]) => house.redis.raw.hmget(keyOf(SALE, 'gate'), ...fields);

async function epochsOf(house: House): Promise<number> {
  const [row] = await house.database.sql('SELECT MAX(epoch) AS epoch FROM epochs WHERE campaign = ?', [SALE.id]);
  return Number(row!.epoch ?? 1);
}

/** Empties Redis; resolves when the gate is open, to how long that took, how many epochs began and what the gate knows. */
async function rebuilt(house: House, meanwhile: () => Promise<unknown> = async () => undefined) {
  const before = await epochsOf(house);
  await house.redis.raw.flushall();
  const from = performance.now();
  await meanwhile();
  await until('the gate is open', PATIENCE_MS, async () => Boolean((await gateOf(house, 'run_id'))[0]));
  const ms = performance.now() - from;
  const [seq] = await gateOf(house, 'seq');
  return { ms, epochs: (await epochsOf(house)) - before, seq: Number(seq), users: await userCount(house) };
}

type Rebuilt = Awaited<ReturnType<typeof rebuilt>>;

async function userCount(house: House): Promise<number> {
  const [buckets] = await gateOf(house, 'buckets');
  const reading = house.redis.raw.pipeline();
  for (let bucket = 0; bucket < Number(buckets); bucket += 1) reading.hlen(keyOf(SALE, `users:${bucket}`));
  return (await reading.exec())!.reduce((sum, [, count]) => sum + Number(count), 0);
}

/** The worker that rebuilds the gate, once it has added the rows up to this unit. */
async function builderAt(house: House, unit: number): Promise<string> {
  await until('the builder has come so far', PATIENCE_MS, async () => {
    return Number((await gateOf(house, 'built_unit'))[0]) >= unit;
  });
  return (await house.redis.raw.get(keyOf(SALE, 'recovery')))!.split(' ')[0]!;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

const ROWS = 1_000_000;
const isWhole = (all: readonly Rebuilt[]): boolean => all.every(({ users, seq }) => users === ROWS && seq === ROWS);

const longRebuild: FaultCase = {
  numbers: [11],
  name: 'a rebuild longer than its lease, by one worker and by one of three',
  slow: true,
  run: async (stage) => {
    const house = await soldHouse(stage, ROWS);
    const alone = await rebuilt(house);
    await Promise.all(['w2', 'w3'].map((name) => house.startWorker(name)));
    const three = await rebuilt(house);
    return {
      11: {
        injected: `FLUSHALL of a gate with ${ROWS} issued rows`,
        seen: `open after ${seconds(alone.ms)} with one worker, after ${seconds(three.ms)} (${(three.ms / alone.ms).toFixed(2)} ×) and ${three.epochs} epoch with three`,
        holds: {
          'one epoch was used each time': alone.epochs === 1 && three.epochs === 1,
          'three workers take no longer than one': three.ms <= alone.ms * NOISE,
          'every holder is known': isWhole([alone, three]),
        },
      },
    };
  },
};

const killedBuilder: FaultCase = {
  numbers: [24],
  name: 'the worker that rebuilds a gate is killed at a third, and at two thirds',
  slow: true,
  run: async (stage) => {
    const house = await soldHouse(stage, ROWS);
    const alone = await rebuilt(house);
    await Promise.all(['w2', 'w3'].map((name) => house.startWorker(name)));
    const killed: Rebuilt[] = [];
    for (const share of [1 / 3, 2 / 3]) {
      let builder = '';
      const kill = async () => {
        builder = await builderAt(house, share * ROWS);
        await house.workers.get(builder)!.end('SIGKILL');
      };
      killed.push(await rebuilt(house, kill));
      await house.startWorker(builder);
    }
    const told = killed.map(({ ms }) => `${seconds(ms)} (${(ms / alone.ms).toFixed(2)} ×)`).join(' and ');
    return {
      24: {
        injected: `SIGKILL of the one of three workers that rebuilds ${ROWS} rows, at a third of them and at two thirds`,
        seen: `open after ${told}; ${seconds(alone.ms)} with one worker alone that nobody kills`,
        holds: {
          'one epoch was used each time': killed.every(({ epochs }) => epochs === 1),
          // What was built stays; nobody goes on with it before the lease of the dead one has ended.
          'open within 1.5 times the time of one worker alone, or within that time and one lease': killed.every(
            ({ ms }) => ms <= Math.max(1.5 * alone.ms, alone.ms * NOISE + limits.recoveryLeaseMs),
          ),
          'every holder is known': isWhole([alone, ...killed]),
        },
      },
    };
  },
};

const twoBuilders: FaultCase = {
  numbers: [28],
  name: 'two builders: one stands still for longer than its lease and wakes up beside the next',
  slow: true,
  run: async (stage) => {
    const rows = 300_000;
    const house = await soldHouse(stage, rows);
    await Promise.all(['w2', 'w3'].map((name) => house.startWorker(name)));
    let [first, second, resumedAt] = ['', '', 0];
    const stall = async () => {
      first = await builderAt(house, rows / 3);
      const worker = house.workers.get(first)!;
      worker.signal('SIGSTOP');
      const built = async () => Number((await gateOf(house, 'built_unit'))[0]);
      // What was on its way when it stopped has arrived by the time that its lease ends.
      second = await until('another worker builds', PATIENCE_MS, async () => {
        resumedAt = await built();
        const holder = (await house.redis.raw.get(keyOf(SALE, 'recovery')))?.split(' ')[0];
        return holder !== undefined && holder !== first && holder;
      });
      await until('it adds rows', PATIENCE_MS, async () => (await built()) > resumedAt);
      worker.signal('SIGCONT');
    };
    const open = await rebuilt(house, stall);
    const opened = (name: string) => house.workers.get(name)!.output().includes('gate opened under a new epoch');
    await until(`${second} says so`, PATIENCE_MS, () => opened(second));
    return {
      28: {
        injected: `${first} stopped at ${resumedAt} of ${rows} rows, woken while ${second} adds more`,
        seen: `open after ${seconds(open.ms)}, ${open.epochs} epoch, by ${second} alone`,
        holds: {
          'one epoch was used': open.epochs === 1,
          'the next builder went on from where the first one stood': resumedAt >= rows / 3,
          'the first builder opened nothing': !opened(first),
          'every holder is known': open.users === rows && open.seq === rows,
        },
      },
    };
  },
};

export const rebuilds: readonly FaultCase[] = [longRebuild, killedBuilder, twoBuilders];
