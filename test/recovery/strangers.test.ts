// Entries that no gate wrote, and servers that are not to be believed.
import { expect, test } from 'vitest';
import { createGateBuilder } from '../../src/gate/redis/gate-builder.ts';
import { keys } from '../../src/redis/keys.ts';
import { testRedis } from '../helpers/redis.ts';
import { redisUrl } from '../helpers/services.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties } from '../workers/duties.ts';
import { openSale } from './sale.ts';

const database = ownDatabase();

/** What somebody with the password may write into a work stream, by the id it gets. */
const STRANGERS: [what: string, id: string, isDeleted: boolean][] = [
  ['an entry whose id Redis made of its clock', '*', false],
  ['an entry whose id Redis made of its clock, deleted at once', '*', true],
  ['an entry with the last id there is, deleted at once', '18446744073709551615-18446744073709551615', true],
];

test.for(STRANGERS)('%s holds up a sale for a moment, and it sells out', async ([, id, isDeleted], t) => {
  const sale = await openSale(t, { redisUrl: redisUrl(), database, stock: 200, shards: 2, graceMs: 500, workers: 1 });
  const early = await sale.buyAll(1, 50);
  const redis = testRedis(t);
  const work = keys.work(sale.campaign, 1);
  const written = (await redis.xadd(work, id, 'user', 'stranger', 'unit', '1', 'admitted_at', '1'))!;
  if (isDeleted) await redis.xdel(work, written);
  const late = await sale.buyAll(51, 230);
  await sale.followAll([...early, ...late]);
  expect(late.filter(({ refusal }) => refusal === 409)).toHaveLength(30);
  expect(await sale.rows()).toHaveLength(200);
  const report = await sale.reconcile();
  expect(report.counts).toEqual({});
});

test('a closed gate on a server without the replicas it must have is left alone', async (t) => {
  const ledger = database.open();
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger });
  const id = await duties.openCampaign({ stock: 10, shards: 2 });
  const campaign = (await duties.store.get(id))!;
  const [believing, doubting] = [0, 1].map((replicasMin) => createGateBuilder(duties.redis, replicasMin));
  expect(await doubting!.state(campaign)).toBe('verified');
  await duties.redis.hset(keys.gate(id), 'run_id', 'f'.repeat(40));
  expect([await believing!.state(campaign), await doubting!.state(campaign)]).toEqual(['unverified', 'alone']);
  await duties.redis.del(keys.gate(id));
  expect([await believing!.state(campaign), await doubting!.state(campaign)]).toEqual(['missing', 'alone']);
});
