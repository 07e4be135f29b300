// Thousands of campaigns and one worker: whose turn it is, and what happens when something goes wrong between two steps.
import { expect, type TestContext, test } from 'vitest';
import type { Batch } from '../../src/broker/port.ts';
import { isFault } from '../../src/domain/fault.ts';
import { createSettlement } from '../../src/gate/redis/settlement.ts';
import { GROUP, keys } from '../../src/redis/keys.ts';
import { giveOut, openSource, type SourceOptions } from '../contract/redis-source.ts';
import { testRedis } from '../helpers/redis.ts';
import { redisUrl, startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties, users } from './duties.ts';

const database = ownDatabase();

function open(t: TestContext, options: SourceOptions) {
  const source = openSource(options);
  t.onTestFinished(() => source.close().then(() => undefined));
  return source;
}

/** A Redis of the test's own, so that the lines hold nothing else, and a campaign with `count` tickets in one shard. */
async function ownLines(t: TestContext) {
  const { url } = await startRedis(t);
  const redis = testRedis(t, url);
  const give = async (campaign: string, count: number) => {
    const pipeline = redis.pipeline();
    for (let seq = 1; seq <= count; seq += 1) pipeline.xadd(keys.work(campaign, 0), `${seq}-0`, 'user', `u${seq}`);
    await pipeline.exec();
    await giveOut(redis, { campaign, seq: count, shards: 1 });
  };
  return { url, redis, give, settle: (batch: Batch) => createSettlement(redis).settle(batch, []) };
}

test('a campaign with one ticket is served within two turns, however many tickets of another one wait', async (t) => {
  const { url, redis, give, settle } = await ownLines(t);
  await give('big', 500);
  // Room for one batch: what is served in a turn is decided by the line alone.
  const source = open(t, { redis, url, name: 'one', batchMax: 10, inHandMax: 10 });
  const served: string[] = [];
  await until('some turns', async () => {
    if (served.length === 3) await give('quiet', 1);
    for (const batch of await source.receive(50)) {
      served.push(batch.campaign);
      await settle(batch);
      source.release(batch, 'settled');
    }
    return served.includes('quiet');
  });
  // The first turn may read by what the one before had looked at; in the next one the other campaign may be read as well.
  expect(served.indexOf('quiet')).toBeLessThanOrEqual(5);
});

test('two campaigns with many tickets take turns', async (t) => {
  const { url, redis, give, settle } = await ownLines(t);
  for (const campaign of ['one', 'other']) await give(campaign, 200);
  const source = open(t, { redis, url, name: 'w', batchMax: 10, inHandMax: 10 });
  const served: string[] = [];
  await until('some turns', async () => {
    for (const batch of await source.receive(50)) {
      served.push(batch.campaign);
      await settle(batch);
      source.release(batch, 'settled');
    }
    return served.length >= 20;
  });
  const count = served.slice(0, 20).filter((campaign) => campaign === 'one').length;
  expect(count).toBeGreaterThanOrEqual(9);
  expect(count).toBeLessThanOrEqual(11);
});

test('a worker has as many connections with a hundred campaigns as with one', async (t) => {
  const { url, redis, give } = await ownLines(t);
  const source = open(t, { redis, url, name: 'counted' });
  const connections = async () =>
    String(await redis.client('LIST'))
      .split('\n')
      .filter((line) => line.includes('name=counted')).length;
  for (let n = 0; n < 100; n += 1) await give(`sale-${n}`, 1);
  const seen = new Set<string>();
  await until('all are read', async () => {
    for (const { campaign } of await source.receive(50)) seen.add(campaign);
    return seen.size === 100;
  });
  expect(await connections()).toBe(2);
});

test('what a worker took a turn for and did not read, or read and did not settle, another one issues', async (t) => {
  const { url, redis, give, settle } = await ownLines(t);
  await give('taken', 3);
  await give('received', 3);
  // A turn was taken: the campaign stands at the end of its line. Nothing was read of it.
  await redis.zadd(keys.turns('taken'), 'XX', 99, 'taken');
  await redis.xgroup('CREATE', keys.work('received', 0), GROUP, '0');
  await redis.xreadgroup('GROUP', GROUP, 'dead', 'STREAMS', keys.work('received', 0), '>');
  const source = open(t, { redis, url, name: 'heir', claimIdleMs: 300 });
  const got: string[] = [];
  await until('all of both', async () => {
    for (const batch of await source.receive(50)) {
      for (const { seq } of batch.entries) got.push(`${batch.campaign}-${seq}`);
      await settle(batch);
      source.release(batch, 'settled');
    }
    return got.length >= 6;
  });
  expect(got.toSorted()).toEqual(['received-1', 'received-2', 'received-3', 'taken-1', 'taken-2', 'taken-3']);
  expect(await redis.zcard(keys.turns('taken'))).toBe(0);
});

test('a campaign in line whose gate is gone is taken out, and read no more', async (t) => {
  const { url, redis, give } = await ownLines(t);
  await redis.zadd(keys.turns('purged'), 5, 'purged');
  await give('there', 1);
  const source = open(t, { redis, url, name: 'w' });
  expect((await until('the other one', async () => (await source.receive(50))[0])).campaign).toBe('there');
  await until('it is out', async () => (await redis.zscore(keys.turns('purged'), 'purged')) === null);
});

test('a campaign whose gate is gone since the turn before gets no stream again', async (t) => {
  const { url, redis, give, settle } = await ownLines(t);
  await give('ended', 5);
  const source = open(t, { redis, url, name: 'w', batchMax: 1 });
  const batch = await until('a batch', async () => (await source.receive(50))[0]);
  await settle(batch);
  await redis.del(keys.gate('ended'), keys.work('ended', 0));
  source.release(batch, 'settled');
  await until('it is out of its line', async () => {
    expect(await source.receive(10)).toEqual([]);
    return (await redis.zscore(keys.turns('ended'), 'ended')) === null;
  });
  expect(await redis.exists(keys.work('ended', 0))).toBe(0);
});

test('what was read in a turn under an epoch that had ended is read again under the next one', async (t) => {
  const { url, redis, give, settle } = await ownLines(t);
  await give('rebuilt', 2);
  const source = open(t, { redis, url, name: 'w', batchMax: 1 });
  const first = await until('a batch', async () => (await source.receive(50))[0]);
  await settle(first);
  await redis.hset(keys.gate('rebuilt'), 'epoch', 2);
  source.release(first, 'settled');
  const second = await until('a batch of the new epoch', async () => {
    const [batch] = await source.receive(50);
    if (batch?.epoch === 1) source.release(batch, 'unsettled');
    return batch?.epoch === 2 ? batch : undefined;
  });
  expect(second.entries.map(({ seq }) => seq)).toEqual([2]);
  expect(await settle(second)).toBe(1);
});

test('an arrival that nobody announced is read all the same', async (t) => {
  const { url, redis } = await ownLines(t);
  const source = open(t, { redis, url, name: 'deaf' });
  expect(await source.receive(20)).toEqual([]);
  await redis.xadd(keys.work('unheard', 0), '1-0', 'user', 'ann');
  await redis.hset(keys.gate('unheard'), 'seq', 1, 'epoch', 1, 'shards', 1);
  await redis.zadd(keys.turns('unheard'), 1, 'unheard');
  expect((await until('it is read', async () => (await source.receive(50))[0])).campaign).toBe('unheard');
});

test('two thousand campaigns that begin at once have all their tickets issued, each once', async (t) => {
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger: database.open() });
  const [campaigns, buyers, openedAtATime] = [2_000, 3, 100];
  const ids: string[] = [];
  while (ids.length < campaigns) {
    const opened = Array.from({ length: openedAtATime }, () => duties.openCampaign({ stock: buyers }));
    ids.push(...(await Promise.all(opened)));
  }
  const stop = duties.issueAll();
  const client = duties.client();
  await Promise.all(ids.map((id) => client.admit(id, users(1, buyers))));
  const issued = async () => {
    const marks = ids.map(() => '?').join(', ');
    const [row] = await database.sql(`SELECT COUNT(*) AS n FROM issuances WHERE campaign IN (${marks})`, ids);
    return Number(row!.n);
  };
  await until('all are issued', async () => (await issued()) === campaigns * buyers);
  await until('nothing is in line', async () => {
    const places = await Promise.all(ids.map((id) => duties.redis.zscore(keys.turns(id), id)));
    return places.every((place) => place === null);
  });
  await stop();
  // All of it is one process here, which may be late for an answer of Redis: it asks again.
  expect(duties.errors.filter((error) => !(isFault(error) && error.retryable))).toEqual([]);
});
