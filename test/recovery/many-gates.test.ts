// Many gates at once that a restarted Redis left unverified. Each fence holds for each campaign, as it does for one alone.
import { expect, type TestContext, test } from 'vitest';
import { composeRecovery } from '../../src/composition/recovery.ts';
import { createAskedGates } from '../../src/gate/redis/asked-gates.ts';
import { epochStore } from '../../src/ledger/epoch-store.ts';
import { listGatedCampaigns, liveCampaigns } from '../../src/ledger/gated.ts';
import type { RecoveryProgress } from '../../src/recovery/progress.ts';
import { keys } from '../../src/redis/keys.ts';
import { recoverGates } from '../../workers/recoverer.ts';
import { loneRedis } from '../helpers/lone-redis.ts';
import { insertOfRows } from '../helpers/many-rows.ts';
import { startWorker } from '../helpers/processes.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties, users } from '../workers/duties.ts';

const database = ownDatabase();

/** So many open campaigns on a Redis of their own. */
async function manyCampaigns(t: TestContext, count: number) {
  await database.sql('UPDATE campaigns SET drained_at = now(3)');
  const server = await loneRedis(t);
  const ledger = database.open();
  const duties = openDuties(t, { redisUrl: server.url, ledger });
  const ids: string[] = [];
  while (ids.length < count) ids.push(await duties.openCampaign({ stock: 20, shards: 2 }));
  const { redis, retries } = duties;
  const recovery = composeRecovery({ redis, ledger, retries, durability: 'memory', graceMs: 0 });
  const asked = createAskedGates(redis);
  const told: RecoveryProgress[] = [];
  const opened: { worker: string; id: string }[] = [];
  const run = async () =>
    /run_id:(\w+)/.exec(await (redis as { info: (what: string) => Promise<string> }).info('server'))![1];
  const gates = async () => Promise.all(ids.map((id) => redis.hmget(keys.gate(id), 'run_id', 'epoch')));
  return {
    ...duties,
    ids,
    recovery,
    asked,
    told,
    opened,
    server,
    stores: { redisUrl: server.url, databaseUrl: database.url() },
    restart: async () => {
      server.signal('SIGKILL');
      server.start();
      await until('Redis answers', () => redis.ping().catch(() => undefined));
    },
    recoverAs(worker: string, other: Partial<Parameters<typeof recoverGates>[0]> = {}): () => Promise<void> {
      const stopping = new AbortController();
      const ended = recoverGates(
        {
          liveCampaigns: () => liveCampaigns(ledger),
          listGated: (page) => listGatedCampaigns(ledger, page),
          find: recovery.find,
          stateOf: recovery.gates.state,
          isStillClosed: recovery.isStillClosed,
          closedAmong: recovery.gates.closedAmong,
          takeAsked: asked.take,
          recover: (id) => recovery.recover(id, worker),
          onRecovered: (id) => opened.push({ worker, id }),
          onAlone: () => undefined,
          onProgress: (progress) => told.push(progress),
          onError: () => undefined,
          ...other,
        },
        stopping.signal,
      );
      const stop = () => {
        stopping.abort();
        return ended;
      };
      t.onTestFinished(stop);
      return stop;
    },
    untilOpen: () =>
      until('all gates are open', async () => {
        const now = await run();
        return (await gates()).every(([its]) => its === now);
      }),
    epochs: async () => (await gates()).map(([, epoch]) => Number(epoch)),
    epochBook: () =>
      database.sql('SELECT campaign, epoch, opened_at IS NOT NULL AS opened FROM epochs WHERE campaign IN (?)', [ids]),
  };
}

test('Redis was started again: two workers shared its gates, and each gate was opened once, under one epoch', async (t) => {
  const sale = await manyCampaigns(t, 60);
  const [paused = '', ahead = '', lost = '', sold = ''] = sale.ids;
  const client = sale.client();
  await client.admit(lost, users(1, 4));
  await client.admit(sold, users(1, 6));
  // The gate has heard of no change that was made since its snapshot; the ledger believes that it has.
  const changed = await sale.store.setState(paused, 'paused', 'operator');
  await sale.store.markProjected(paused, changed.version);
  await sale.redis.hset(keys.gate(ahead), 'epoch', 7);
  await sale.redis.del(keys.work(lost, 1));
  await sale.restart();
  sale.recoverAs('w1');
  sale.recoverAs('w2');
  await sale.untilOpen();
  await until('all openings are noted', async () =>
    (await sale.epochBook()).every(({ opened }) => Number(opened) === 1),
  );

  await until('all openings are told', () => sale.opened.length === 60);
  const epochs = await sale.epochs();
  expect(epochs).toEqual(sale.ids.map((id) => (id === ahead ? 8 : 2)));
  expect(await sale.epochBook()).toHaveLength(60);
  expect(await sale.redis.hget(keys.gate(paused), 'state')).toBe('paused');
  const [rebuilt, whole] = await sale.readGates([lost, sold]);
  expect(whole).toMatchObject({ seq: 6, settledCount: 0, recoveringUntil: 0 });
  expect(rebuilt!.recoveringUntil).toBeGreaterThan(0);
  const last = sale.told.filter(({ isOver }) => isOver);
  expect(last.some(({ foundCount, openCount }) => foundCount > 20 && openCount > 0)).toBe(true);
});

test('a worker was killed while it recovered many gates: the other one opened what was left, and nothing differed', async (t) => {
  const sale = await manyCampaigns(t, 120);
  await sale.restart();
  const [first] = await Promise.all([startWorker(t, sale.stores, 'w1'), startWorker(t, sale.stores, 'w2')]);
  await until('one gate is open', async () => (await sale.epochs()).some((epoch) => epoch > 1));
  await first.end('SIGKILL');
  await sale.untilOpen();
  for (const id of sale.ids.slice(0, 5)) expect((await sale.recovery.look(id))!.counts).toEqual({});
  expect((await sale.recovery.look(sale.ids.at(-1)!))!.counts).toEqual({});
});

test('what somebody asks for is recovered first, also of a campaign that is done', async (t) => {
  const sale = await manyCampaigns(t, 40);
  const done = sale.ids.at(-1)!;
  await sale.restart();
  await sale.store.markDrained(done, 1);
  await sale.asked.note([done]);
  const started: string[] = [];
  const first = Promise.withResolvers<void>();
  sale.recoverAs('w1', {
    // The others have nothing but this worker, which does not come to them before it has been asked.
    liveCampaigns: async function* () {
      await first.promise;
      yield* liveCampaigns(sale.ledger);
    },
    recover: async (id) => {
      started.push(id);
      first.resolve();
      return sale.recovery.recover(id, 'w1');
    },
  });
  await sale.untilOpen();
  expect(started[0]).toBe(done);
  expect(await sale.asked.take(10)).toEqual([]);
});

test('epochs that begin together: one campaign that has moved on kept the others from theirs, or took an epoch twice', async (t) => {
  const sale = await manyCampaigns(t, 6);
  const books = epochStore(sale.ledger);
  const why = { reason: 'unverified', worker: 'w' } as const;
  const [moved = '', archived = ''] = sale.ids;
  await books.beginEpoch(moved, 1, 2, why);
  await database.sql('UPDATE campaigns SET archived_at = now(3) WHERE id = ?', [archived]);
  const begun = await Promise.all(sale.ids.map((id) => books.beginEpoch(id, 1, 2, why)));
  expect(begun).toEqual([undefined, undefined, 2, 2, 2, 2]);
  expect(await sale.epochBook()).toHaveLength(5);
  expect((await Promise.all(sale.ids.map((id) => books.get(id)))).map((campaign) => campaign!.epoch)).toEqual([
    2, 1, 2, 2, 2, 2,
  ]);
});

test('what is told of many campaigns together is what is told of each alone', async (t) => {
  const sale = await manyCampaigns(t, 5);
  for (const [index, id] of sale.ids.entries()) {
    const rows = insertOfRows(id, 4 * index, 3);
    if (index > 0) await database.sql(rows.sql, rows.params);
  }
  const [, second = ''] = sale.ids;
  await sale.cancellations.cancel({
    campaign: second,
    tag: 'a'.repeat(16),
    user: 'gone',
    unit: 9,
    names: [{ epoch: 1, seq: 9 }],
  });
  const books = epochStore(sale.ledger);
  const told = async (id: string) => {
    const holders: unknown[] = [];
    for await (const rows of books.holders(id)) holders.push(...rows);
    return [holders, await books.facts(id), await books.keptHolders(id), await books.cancelledHolders(id)];
  };
  const alone: unknown[] = [];
  for (const id of sale.ids) alone.push(await told(id));
  expect(await Promise.all(sale.ids.map(told))).toEqual(alone);
  expect(alone.map((one) => (one as unknown[][])[0]!.length)).toEqual([0, 3, 6, 8, 11]);
});
