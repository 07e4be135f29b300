// The list of campaigns at the admin port: its order, its pages and its filters.
import { expect, test } from 'vitest';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { keys } from '../../src/redis/keys.ts';
import { uniqueName } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { fronts, type TestFront } from './front.ts';
import { ownRedis } from './own-redis.ts';

const file = fronts();
const front = file.shared();

interface Listed {
  id: string;
  phase: string;
  attention: string | null;
  deadLetters: number;
  backlog: number | null;
  remaining: number | null;
  oldestWaitMs: number | null;
}

async function page(query: string, of: TestFront = front()): Promise<{ campaigns: Listed[]; next: string | null }> {
  const { status, text, body } = await of.admin('GET', `/admin/campaigns?${query}`);
  expect([status, status === 200 ? '' : text]).toEqual([200, '']);
  return body as unknown as { campaigns: Listed[]; next: string | null };
}

async function idsOf(query: string, of: TestFront = front()): Promise<string[]> {
  const ids: string[] = [];
  for (let next: string | null = ''; next !== null; ) {
    const told = await page(`${query}${next === '' ? '' : `&after=${next}`}`, of);
    ids.push(...told.campaigns.map(({ id }) => id));
    next = told.next;
  }
  return ids;
}

const post = (path: string, body?: unknown) => front().admin('POST', path, body);
const archive = (id: string, at: string) =>
  file.database.sql('UPDATE campaigns SET archived_at = ?, epoch = epoch + 1 WHERE id = ?', [at, id]);

async function keepLetter(campaign: string): Promise<void> {
  const ticket = { campaign, seq: 1, epoch: 1, unit: 1, user: 'ann', admittedAt: 1_700_000_000_000 };
  const told = { reason: 'stalled', detail: '', attempts: 6, traceId: null, raw: null };
  await keepDeadLetter(file.ledger(), { ...ticket, ...told } as Parameters<typeof keepDeadLetter>[1]);
}

/** Has the first ticket of the campaign wait since an hour ago. */
async function age(campaign: string): Promise<void> {
  const { redis } = front();
  for (const work of keys.works({ id: campaign, shards: 8 })) {
    const [entry] = await redis.xrange(work, '-', '+');
    if (entry === undefined) continue;
    const [id, fields] = entry;
    fields[fields.indexOf('admitted_at') + 1] = String(Date.now() - 3_600_000);
    await redis.del(work);
    await redis.xadd(work, id, ...fields);
  }
}

/** One campaign of each kind, named in the order in which the list must show them. */
async function oneOfEach(prefix: string): Promise<string[]> {
  const id = (name: string) => `${prefix}-${name}`;
  const create = async (name: string, settings: object = {}) => {
    const { status, text } = await post('/admin/campaigns', { id: id(name), stock: 5, ...settings });
    expect([status, text]).toEqual([201, expect.any(String)]);
    return id(name);
  };
  // None is made in its place in the list, and ids say nothing of it.
  const old = await create('a-archived');
  const older = await create('b-archived');
  const closed = await create('c-closed');
  const soldOut = await create('d-sold-out', { stock: 1 });
  const paused = await create('e-paused');
  const later = await create('f-later', { opensAt: '2032-01-01T00:00:00Z' });
  const soon = await create('g-soon', { opensAt: '2031-01-01T00:00:00Z' });
  const open = await create('h-open');
  const other = await create('i-open');
  const backlog = await create('j-backlog');
  const letters = await create('k-letters');
  const lostAndPaused = await create('l-lost');
  const lost = await create('m-lost');
  for (const [name, verb] of [
    [old, 'close'],
    [older, 'close'],
    [closed, 'close'],
    [paused, 'pause'],
    [lostAndPaused, 'pause'],
  ]) {
    expect((await post(`/admin/campaigns/${name}/${verb}`)).status).toBe(200);
  }
  await front().admit(soldOut, 1, 1);
  await front().admit(backlog, 1, 2);
  await age(backlog);
  await keepLetter(letters);
  await archive(older, '2026-01-01');
  await archive(old, '2026-02-01');
  await front().redis.del(keys.gate(lost), keys.gate(lostAndPaused));
  return [lost, lostAndPaused, letters, backlog, open, other, soon, later, paused, soldOut, closed, old, older];
}

test('first comes what needs an operator, then by phase, then what opens next, and archived campaigns last', async () => {
  const prefix = uniqueName('each');
  const ids = await oneOfEach(prefix);
  const { campaigns, next } = await page(`text=${prefix}`);
  expect(campaigns.map(({ id }) => id)).toEqual(ids);
  expect(next).toBeNull();
  expect(campaigns.map(({ phase, attention }) => [phase, attention])).toEqual([
    ['open', 'gate-closed'],
    ['paused', 'gate-closed'],
    ['open', 'dead-letters'],
    ['open', 'backlog'],
    ['open', null],
    ['open', null],
    ['scheduled', null],
    ['scheduled', null],
    ['paused', null],
    ['sold-out', null],
    ['ended', null],
    ['ended', null],
    ['ended', null],
  ]);
  expect(campaigns[0]).toMatchObject({ remaining: null, backlog: null });
  expect(campaigns[2]).toMatchObject({ deadLetters: 1 });
  expect(campaigns[3]).toMatchObject({ backlog: 2, remaining: 3 });
  expect(campaigns[3]!.oldestWaitMs).toBeGreaterThan(3_000_000);

  for (const limit of [1, 2, 5, 12, 13]) expect(await idsOf(`text=${prefix}&limit=${limit}`)).toEqual(ids);
  const of = async (query: string) => (await idsOf(`text=${prefix}&${query}&limit=2`)).map((id) => ids.indexOf(id));
  expect(await of('phase=open')).toEqual([0, 2, 3, 4, 5]);
  expect(await of('phase=ended')).toEqual([10, 11, 12]);
  expect(await of('state=paused')).toEqual([1, 8]);
  expect(await of('state=closed')).toEqual([10, 11, 12]);
  expect(await of('attention=backlog')).toEqual([3]);
  expect(await of('attention=gate-closed&state=paused')).toEqual([1]);
});

test('the pages of one list fit together whatever changes meanwhile, and another front continues at the same place', async (t) => {
  const prefix = uniqueName('stable');
  const ids = Array.from({ length: 9 }, (_, n) => `${prefix}-${n}`);
  for (const id of ids) await post('/admin/campaigns', { id, stock: 1 });
  const first = await page(`text=${prefix}&limit=3`);
  expect(first.campaigns.map(({ id }) => id)).toEqual(ids.slice(0, 3));
  // By now the last campaign belongs before all others, and the fourth behind them.
  await keepLetter(ids[8]!);
  await post(`/admin/campaigns/${ids[3]}/close`);
  const second = await page(`text=${prefix}&limit=3&after=${first.next}`);
  const third = await page(`text=${prefix}&limit=3&after=${second.next}`);
  expect([...second.campaigns, ...third.campaigns].map(({ id }) => id)).toEqual(ids.slice(3));
  expect((await idsOf(`text=${prefix}`))[0]).toBe(ids[8]);

  const other = await file.start(t);
  const there = await page(`text=${prefix}&limit=3&after=${first.next}`, other);
  expect(there.campaigns.map(({ id }) => id)).toEqual([4, 5, 6].map((n) => ids[n]));
});

test('text finds ids and names in any case, and none of its characters is a pattern', async () => {
  const word = uniqueName('word');
  await post('/admin/campaigns', { id: `${word}-a`, stock: 1, name: '봄 Spring 100%' });
  await post('/admin/campaigns', { id: `${word}-b`, stock: 1, name: `${word.toUpperCase()} is my name` });
  await post('/admin/campaigns', { id: uniqueName('else'), stock: 1, name: `of ${word}` });
  expect(await idsOf(`text=${word.toUpperCase()}`)).toHaveLength(3);
  expect(await idsOf(`text=${encodeURIComponent('봄 spring')}`)).toEqual([`${word}-a`]);
  expect(await idsOf(`text=${encodeURIComponent('100%')}`)).toEqual([`${word}-a`]);
  expect(await idsOf(`text=${encodeURIComponent('%')}`)).toEqual([`${word}-a`]);
  expect(await idsOf('text=_')).toEqual([]);
});

test.for([
  ['state=archived', 'state'],
  ['phase=soon', 'phase'],
  ['attention=none', 'attention'],
  ['text=', 'text'],
  [`text=${'a'.repeat(201)}`, 'text'],
  ['text=%07', 'text'],
  ['stat=paused', 'stat'],
  ['after=spring+sale', 'after'],
])('a list with %s is a 422 that names the field', async ([query, field]) => {
  const { status, body } = await front().admin('GET', `/admin/campaigns?${query}`);
  expect([status, body.errors?.map((error) => error.field)]).toEqual([422, [field]]);
});

test.for([
  ['an id', 'spring-sale'],
  ['no JSON', Buffer.from('{').toString('base64url')],
  ['no place', Buffer.from('["l","x",1,2,"a"]').toString('base64url')],
  ['an archived campaign of no time', Buffer.from('["a","20000-01-01T00:00:00Z","a"]').toString('base64url')],
  ['an archived campaign of no id', Buffer.from('["a","2026-01-01T00:00:00Z","봄"]').toString('base64url')],
])('a page behind %s is a 404 that says what after takes', async ([, after]) => {
  const { status, body } = await front().admin('GET', `/admin/campaigns?after=${after}`);
  expect([status, body.title]).toEqual([404, 'There is no such page: after must be the field next of an earlier page']);
});

test('a list reads all gates in one pipeline, and without Redis it shows that they are closed', async (t) => {
  const proxy = await startTcpProxy(t, (await ownRedis(t)).url);
  const other = await file.start(t, { redisUrl: proxy.url });
  const prefix = uniqueName('gates');
  for (let n = 0; n < 20; n += 1) await other.admin('POST', '/admin/campaigns', { id: `${prefix}-${n}`, stock: 1 });
  const pipeline = other.redis.pipeline.bind(other.redis);
  let readCount = 0;
  other.redis.pipeline = (commands?: unknown[][]) => {
    if (commands?.some(([name]) => name === 'hmget')) readCount += 1;
    return pipeline(commands);
  };
  const told = await page(`text=${prefix}`, other);
  expect(told.campaigns.map(({ attention, remaining }) => [attention, remaining])).toEqual(Array(20).fill([null, 1]));
  expect(readCount).toBe(1);

  proxy.set('reset');
  const away = await page(`text=${prefix}`, other);
  expect(away.campaigns.map(({ attention, phase }) => [attention, phase])).toEqual(
    Array(20).fill(['gate-closed', 'open']),
  );
});
