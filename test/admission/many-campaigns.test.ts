// A front that knows many campaigns reads what changes, and compares the rest in turn.
import { expect, type TestContext, test } from 'vitest';
import { type CampaignMemory, createCampaignMemory } from '../../src/admission/campaign-memory.ts';
import { createReadingTurns, createRotation } from '../../src/admission/reading-turns.ts';
import type { GateView } from '../../src/domain/gate-view.ts';
import { createChangedGateReader } from '../../src/gate/redis/changed-gates.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { createEachGateReader } from '../../src/gate/redis/gate-reader.ts';
import { limits } from '../../src/process/limits.ts';
import { keys } from '../../src/redis/keys.ts';
import { campaignOf, testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';

/** Gates that were read once, and a reader that notes which of them it reads as a whole. */
async function gatesRead(t: TestContext, count: number) {
  const redis = testRedis(t);
  const gate = createGate(redis);
  const ids = Array.from({ length: count }, () => uniqueName('many'));
  await Promise.all(ids.map((id) => gate.project(campaignOf(id), true)));
  const readEach = createEachGateReader(redis);
  const readWhole: string[] = [];
  const readChanged = createChangedGateReader(redis, undefined, (asked) => {
    readWhole.push(...asked);
    return readEach(asked);
  });
  return { redis, ids, views: (await readEach(ids)) as GateView[], readChanged, readWhole };
}

test('of many gates those are read again that have changed', async (t) => {
  const { redis, ids, views, readChanged, readWhole } = await gatesRead(t, 600);
  const readAt = views.map((view) => view.readAt);
  const changes: [key: string, ...args: (string | number)[]][] = [
    ['hset', keys.gate(ids[7]!), 'settled', 3],
    ['hset', keys.gate(ids[100]!), 'version', 9],
    ['zadd', keys.free(ids[300]!), 4, '4'],
    ['del', keys.gate(ids[599]!)],
  ];
  for (const [command, ...args] of changes) await redis.call(command, ...args);
  const now = await readChanged(views);
  expect(readWhole.toSorted()).toEqual([7, 100, 300, 599].map((index) => ids[index]!).toSorted());
  expect((now[7] as GateView).settledCount).toBe(3);
  expect((now[100] as GateView).version).toBe(9);
  expect((now[300] as GateView).remaining).toBe(views[300]!.remaining + 1);
  expect(now[599]).toBeUndefined();
  const same = now.filter((view, index) => view === views[index]);
  expect(same.length).toBe(596);
  // They are known to be so as of now.
  expect(views.every((view, index) => view.readAt > readAt[index]! || !same.includes(view))).toBe(true);
});

test('a view that has heard of a later ticket is read as a whole, so that a tail that Redis lost is seen', async (t) => {
  const { views, readChanged, readWhole } = await gatesRead(t, 2);
  views[0]!.seq += 1;
  const now = await readChanged(views);
  expect(readWhole).toEqual([views[0]!.id]);
  expect((now[0] as GateView).seq).toBe(0);
});

test('a gate that cannot be compared is told by itself', async (t) => {
  const { redis, ids, views, readChanged } = await gatesRead(t, 3);
  await redis.set(keys.gate(ids[1]!), 'a text');
  const now = await readChanged(views);
  expect(now[0]).toBe(views[0]);
  expect(now[1]).toBeInstanceOf(Error);
  expect(now[2]).toBe(views[2]);
});

test('a front whose Redis forgets scripts compares on', async (t) => {
  const { redis, views, readChanged } = await gatesRead(t, 2);
  await redis.script('FLUSH');
  expect(await readChanged(views)).toEqual(views);
});

const COUNT = 10_000;

/** Memories of so many campaigns, read at 0; at 1 somebody watches them. */
function memories() {
  const view = (id: string) => ({ id, stock: 1, seq: 0, settledCount: 0, readAt: 0 }) as GateView;
  const all = new Map<string, CampaignMemory>(
    Array.from({ length: COUNT }, (_, n) => [`c-${n}`, createCampaignMemory(view(`c-${n}`), -1)]),
  );
  for (const memory of all.values()) memory.watchedAt = 1;
  return all;
}

test('of ten thousand quiet campaigns a twelfth is compared in each reading', () => {
  const all = memories();
  const choose = createReadingTurns(all);
  const compared = new Set<string>();
  for (let reading = 0; reading < 12; reading += 1) {
    const { moving, quiet } = choose(1);
    expect([moving.length, quiet.length]).toEqual([0, Math.ceil(COUNT / 12)]);
    for (const { view } of quiet) compared.add(view.id);
  }
  expect(compared.size).toBe(COUNT);
});

test('a campaign that is asked for is compared each time, and one that has just changed is read', () => {
  const all = memories();
  const choose = createReadingTurns(all);
  all.get('c-7000')!.askedAt = 1;
  all.get('c-8000')!.isMoving = true;
  for (let reading = 0; reading < 3; reading += 1) {
    const { moving, quiet } = choose(1);
    expect(moving.map(({ view }) => view.id)).toEqual(['c-8000']);
    expect(quiet.some(({ view }) => view.id === 'c-7000')).toBe(true);
  }
});

test('what nobody uses is forgotten, and beyond the bound what has not been used for longest', () => {
  const all = memories();
  const choose = createReadingTurns(all);
  all.get('c-5')!.watchedAt = 2 + limits.viewIdleMs;
  all.get('c-6')!.askedAt = 2 + limits.viewIdleMs;
  choose(2 + limits.viewIdleMs);
  expect([...all.keys()]).toEqual(['c-5', 'c-6']);
  const [newest] = all.values();
  for (let n = 0; n < limits.viewsMax; n += 1)
    all.set(`more-${n}`, { ...newest!, view: { ...newest!.view, id: `more-${n}` } });
  all.get('c-6')!.askedAt += 1;
  choose(2 + limits.viewIdleMs);
  expect([all.size, all.has('c-5'), all.has('c-6')]).toEqual([limits.viewsMax, false, true]);
});

test('of many items each has its turn', () => {
  const take = createRotation(2);
  expect([take([1, 2, 3]), take([1, 2, 3]), take([1, 2, 3])]).toEqual([
    [1, 2],
    [3, 1],
    [2, 3],
  ]);
  expect([take([]), take([7])]).toEqual([[], [7]]);
});
