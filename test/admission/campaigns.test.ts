import { expect, type TestContext, test } from 'vitest';
import { isComplete, refusalFromMemory } from '../../src/admission/campaign-memory.ts';
import { createCampaigns } from '../../src/admission/campaigns.ts';
import { spanClock } from '../../src/domain/clock.ts';
import { userTag } from '../../src/domain/ids.ts';
import { createFrontReaders } from '../../src/gate/redis/front-readers.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { limits } from '../../src/process/limits.ts';
import { keys } from '../../src/redis/keys.ts';
import { campaignOf, testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';

function reading(t: TestContext, now = spanClock, tagsAreRead = () => Promise.resolve()) {
  const redis = testRedis(t);
  const asked: (readonly string[])[] = [];
  const errors: unknown[] = [];
  /** What the roll does: it learns campaigns whose gate was read. */
  const found = new Set<string>();
  const readers = createFrontReaders(redis, now);
  const campaigns = createCampaigns({
    ...readers,
    readGates: (ids) => {
      asked.push(ids);
      return readers.readGates(ids);
    },
    readChanged: (views) => {
      asked.push(views.map(({ id }) => id));
      return readers.readChanged(views);
    },
    readAdmittedTags: async function* (...asked) {
      for await (const tags of readers.readAdmittedTags(...asked)) yield tags;
      await tagsAreRead();
    },
    findEnd: async () => undefined,
    exists: (id) => found.has(id),
    onFound: (id) => void found.add(id),
    now,
    onError: (error) => errors.push(error),
  });
  const stop = new AbortController();
  const keptReading = campaigns.keepReading(stop.signal);
  t.onTestFinished(async () => {
    stop.abort();
    await keptReading;
  });
  const create = async () => {
    const id = uniqueName('memory');
    await createGate(redis).project(campaignOf(id), true);
    return id;
  };
  return { redis, campaigns, asked, errors, create };
}

test('a gate that cannot be read does not hide the others', async (t) => {
  const { redis, campaigns, errors, create } = reading(t);
  const [broken, good] = [await create(), await create()];
  await campaigns.get(broken);
  await campaigns.get(good);
  await redis.hset(keys.gate(broken), 'settled', 'NaN');
  await redis.hset(keys.gate(good), 'settled', 7);
  await until('the good one is read on', 2_000, () => campaigns.peek(good)!.view.settledCount === 7);
  expect(campaigns.peek(broken)!.view.settledCount).toBe(0);
  expect(errors[0]).toMatchObject({ code: 'corrupt-state' });
  await redis.hset(keys.gate(broken), 'settled', 3);
  await until('it is well again', 2_000, () => campaigns.peek(broken)!.view.settledCount === 3);
});

test('an unknown campaign costs one question a second, and one made meanwhile is found', async (t) => {
  const { redis, campaigns, asked } = reading(t);
  const id = uniqueName('later');
  const questions = () => asked.filter((ids) => ids.includes(id)).length;
  for (let i = 0; i < 50; i += 1) expect(await campaigns.get(id)).toBeUndefined();
  expect(questions()).toBe(1);
  await createGate(redis).project(campaignOf(id), true);
  await until('it is known', limits.unknownViewMs + 1_000, () => campaigns.get(id));
});

test('a campaign that many ask for at once is read once', async (t) => {
  const { campaigns, asked, create } = reading(t);
  const id = await create();
  const memories = await Promise.all(Array.from({ length: 50 }, () => campaigns.get(id)));
  expect(new Set(memories).size).toBe(1);
  expect(asked.filter((ids) => ids.includes(id) && ids.length === 1).length).toBeLessThanOrEqual(2);
});

test.for(['is gone', 'cannot be read'])('a sold-out is not remembered of a gate that %s', async (how, t) => {
  // With a clock that stands still no reading ever gets old.
  const { redis, campaigns, create } = reading(t, () => 1_000_000);
  const id = await create();
  await redis.hset(keys.gate(id), 'next_unit', 10);
  const memory = (await campaigns.get(id))!;
  const told = () => refusalFromMemory(memory, userTag(id, 'a-stranger'), 1_000_000)?.kind;
  expect(told()).toBe('sold-out');
  if (how === 'is gone') await redis.del(keys.gate(id));
  else await redis.hset(keys.gate(id), 'settled', 'NaN');
  await until('nobody is refused', 60_000, () => told() === undefined);
});

test('a holder is not told sold-out by a memory that was completed while the gate was rebuilt', async (t) => {
  const tagsRead = Promise.withResolvers<void>();
  const rebuilt = Promise.withResolvers<void>();
  // The next filter, which is read from the new gate, is never complete.
  const ends = [rebuilt.promise, new Promise<void>(() => undefined)];
  const { redis, campaigns, create } = reading(t, spanClock, () => {
    tagsRead.resolve();
    return ends.shift()!;
  });
  const id = await create();
  await redis.hset(keys.gate(id), 'next_unit', 10, 'seq', 10);
  const memory = (await campaigns.get(id))!;
  await tagsRead.promise;
  await redis.hset(keys.gate(id), 'epoch', 2);
  await until('the rebuilt gate is read', 60_000, () => memory.view.epoch === 2);
  let readingCount = 0;
  campaigns.onReading(() => {
    readingCount += 1;
  });
  rebuilt.resolve();
  await until('three more readings', 60_000, () => readingCount >= 3);
  expect(isComplete(memory)).toBe(false);
});

test('a campaign made on this front is found at once, also by who was told that there is none', async (t) => {
  const { redis, campaigns } = reading(t, () => 1_000_000);
  const id = uniqueName('made');
  expect(await campaigns.get(id)).toBeUndefined();
  await createGate(redis).project(campaignOf(id), true);
  expect(await campaigns.get(id)).toBeUndefined();
  campaigns.expectVersion(id, 1);
  expect(await campaigns.get(id)).toBeDefined();
});

test('a campaign nobody asks about any more is forgotten, one whose gate is gone is not', async (t) => {
  let now = 1_000_000;
  const { redis, campaigns, create } = reading(t, () => now);
  const [idle, busy, gone] = [await create(), await create(), await create()];
  for (const id of [idle, busy, gone]) await campaigns.get(id);
  const heard: string[] = [];
  campaigns.onReading(() => heard.push('reading'));
  now += limits.viewIdleMs - 1;
  campaigns.peek(busy);
  campaigns.peek(gone);
  now += 2;
  await redis.del(keys.gate(gone));
  // What is not used is looked for in one of twelve readings.
  await until('thirteen more readings', 60_000, () => heard.length >= 13);
  expect(campaigns.peek(idle)).toBeUndefined();
  expect([campaigns.peek(busy), campaigns.peek(gone)]).not.toContain(undefined);
});

test('a listener that stopped hears nothing more', async (t) => {
  const { campaigns } = reading(t);
  const counts = { stopped: 0, listening: 0 };
  const stop = campaigns.onReading(() => {
    counts.stopped += 1;
  });
  campaigns.onReading(() => {
    counts.listening += 1;
  });
  stop();
  await until('three readings', 2_000, () => counts.listening >= 3);
  expect(counts.stopped).toBe(0);
});

test('a cancellation after a rebuild is learned also when the gate has counted as many as before', async (t) => {
  const { redis, campaigns, create } = reading(t);
  const id = await create();
  const memory = (await campaigns.get(id))!;
  const [before, after] = [userTag(id, 'before'), userTag(id, 'after')];
  await redis.multi().zadd(keys.cancelled(id), 1, before).hset(keys.gate(id), 'cancelled', 1).exec();
  await until('the first is learned', 60_000, () => memory.cancelled.has(before));
  const rebuilt = redis.multi().del(keys.cancelled(id)).zadd(keys.cancelled(id), 1, after);
  await rebuilt.hset(keys.gate(id), 'epoch', 2, 'cancelled', 1).exec();
  await until('the other is learned', 60_000, () => memory.cancelled.has(after));
  expect(memory.cancelled.has(before)).toBe(true);
});
