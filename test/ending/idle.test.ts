// Campaigns that have ended cost nobody anything: no look of a duty or a front reads their rows, or asks Redis for them.
import { expect, test } from 'vitest';
import { composeWorker } from '../../src/composition/worker.ts';
import { campaignStore } from '../../src/ledger/campaign-store.ts';
import { findDue } from '../../src/ledger/due-ends.ts';
import { createLedgerGuard } from '../../src/ledger/guard.ts';
import { cancellationStore, letterStore } from '../../src/ledger/letter-store.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { openRetries } from '../../src/retry/bullmq.ts';
import { endCampaigns } from '../../workers/archivist.ts';
import { tidyUp } from '../../workers/janitor.ts';
import { keepReconciling } from '../../workers/reconciler.ts';
import { recoverGates } from '../../workers/recoverer.ts';
import { testRedis } from '../helpers/redis.ts';
import { redisUrl } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';

const ENDED_COUNT = 20_000;
const HOURS = 3_600_000;
/** Of the ids of ended campaigns. */
const ID_PREFIX = 'old-';
const database = ownDatabase();

/** Campaigns that were archived; their keys, or their rows, are gone. */
async function archived(count: number): Promise<void> {
  const digit =
    '(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)';
  const from = [0, 1, 2, 3, 4].map((place) => `${digit} AS d${place}`).join(' CROSS JOIN ');
  const ids = `SELECT CONCAT('${ID_PREFIX}', d0.d + d1.d * 10 + d2.d * 100 + d3.d * 1000 + d4.d * 10000) AS id FROM ${from} LIMIT ${count}`;
  await database.sql(`INSERT INTO tranches (campaign, last_unit) SELECT id, 10 FROM (${ids}) AS ids`);
  await database.sql(`INSERT INTO campaigns (id, name, stock, rate_per_second, burst, backlog_max, shards, buckets, state,
      version, projected_version, epoch, drained_at, archived_at, keys_deleted_at, updated_at)
    SELECT id, id, 10, 0, 1, 1000, 1, 1, 'closed', 1, 1, 2, '2026-01-02', '2026-01-05', '2026-01-06', '2026-01-01'
    FROM (${ids}) AS ids`);
  await database.sql('ANALYZE TABLE campaigns, tranches');
}

/** Rows and index entries that the one connection of this ledger has read. */
async function readCount(ledger: Ledger): Promise<number> {
  const { rows } = await ledger.run("SHOW SESSION STATUS LIKE 'Handler_read%'", []);
  return rows.reduce((sum, row) => sum + Number((row as unknown as { Value: string }).Value), 0);
}

/** Everything that duties and fronts ask again and again. */
const asked = (ledger: Ledger): Record<string, () => Promise<unknown>> => {
  const store = campaignStore(ledger);
  const page = { after: undefined, limit: 500 };
  return {
    live: store.listLiveCampaigns,
    gated: () => store.listGated(page),
    roll: () => store.listGatedIds(page),
    unprojected: store.listUnprojected,
    letters: () => store.countDeadLetters(),
    redrives: () => letterStore(ledger).takeStuckRedrives(0),
    returns: () => cancellationStore(ledger).listUnreturned(0),
    due: () => findDue(ledger, { archiveMs: 72 * HOURS, keysRestMs: 60_000, purgeMs: undefined }),
    dueLater: () => findDue(ledger, { archiveMs: 72 * HOURS, keysRestMs: 60_000, purgeMs: 36_500 * 24 * HOURS }),
  };
};

test(`${ENDED_COUNT} ended campaigns are read by no look, and ask nothing of Redis`, async (t) => {
  await archived(ENDED_COUNT);
  const ledger = database.open({ connectionMax: 1 });
  for (const [name, ask] of Object.entries(asked(ledger))) {
    await ask();
    const before = await readCount(ledger);
    await ask();
    // What SHOW STATUS reads for its own answer is a few dozen.
    expect([name, (await readCount(ledger)) - before < 500]).toEqual([name, true]);
  }

  const redis = testRedis(t);
  await redis.ping();
  const commands: string[] = [];
  const send = redis.sendCommand.bind(redis) as (...args: unknown[]) => unknown;
  redis.sendCommand = (command: { name: string; args: unknown[] }, ...rest: unknown[]) => {
    commands.push([command.name, ...command.args].join(' '));
    return send(command, ...rest);
  };
  const retries = openRetries({ url: redisUrl(), onError: () => undefined });
  t.onTestFinished(() => retries.close());
  const guard = createLedgerGuard(ledger);
  t.onTestFinished(() => guard[Symbol.dispose]());
  const errors: unknown[] = [];
  const worker = composeWorker(
    { redis, ledger, guard, retries, openReader: () => redis },
    {
      ...{ name: 'idle', couponKey: Buffer.alloc(32), claimIdleMs: 30_000, durability: 'disk', graceMs: 0 },
      ...{ retainEndedMs: 72 * HOURS, retainLedgerMs: undefined },
    },
    { onError: (error) => errors.push(error) },
  );
  const stopping = new AbortController();
  let looks = 0;
  const findDueOnce = () => {
    looks += 1;
    return worker.archivist.findDue();
  };
  let letterCounts = 0;
  const onDeadLetters = () => {
    letterCounts += 1;
  };
  let walks = 0;
  const listGated: typeof worker.recoverer.listGated = (page) => {
    walks += 1;
    return worker.recoverer.listGated(page);
  };
  const duties = [
    endCampaigns({ ...worker.archivist, findDue: findDueOnce, lookMs: 1 }, stopping.signal),
    tidyUp({ ...worker.janitor, onDeadLetters }, stopping.signal),
    recoverGates({ ...worker.recoverer, listGated }, stopping.signal),
    keepReconciling(worker.reconciler, stopping.signal),
  ];
  await until('each has looked', 60_000, () => looks > 2 && letterCounts > 0 && walks > 0);
  stopping.abort();
  await Promise.all(duties);
  // The lines of the lanes are read, however many campaigns there are; no ended campaign is asked for.
  expect([errors, commands.filter((command) => command.includes(ID_PREFIX))]).toEqual([[], []]);
  expect(commands.length).toBeGreaterThan(0);
});
