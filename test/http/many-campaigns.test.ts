// More campaigns than fit into any list with an end: what is true of the first is true of the last.
import { expect, test } from 'vitest';
import { listLiveCampaigns } from '../../src/ledger/gated.ts';
import { keys } from '../../src/redis/keys.ts';
import { fronts } from './front.ts';

const file = fronts();
const COUNT = 10_050;

const DIGITS = Array.from({ length: 10 }, (_, n) => `SELECT ${n} AS n`).join(' UNION ALL ');
const NUMBER = 'a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n';
const NUMBERS = ['a', 'b', 'c', 'd', 'e'].map((digit) => `(${DIGITS}) ${digit}`).join(' CROSS JOIN ');

/** Campaigns `many-00001` to `many-10050`, in one statement a table; none of them has a gate. */
async function make(): Promise<void> {
  const each = (columns: string) =>
    `SELECT CONCAT('many-', LPAD(${NUMBER} + 1, 5, '0')), ${columns} FROM ${NUMBERS} WHERE ${NUMBER} < ${COUNT}`;
  await file.database.sql(`INSERT INTO tranches (campaign, last_unit) ${each('1')}`);
  const settings =
    'name, stock, rate_per_second, burst, backlog_max, shards, buckets, state, version, projected_version, epoch';
  await file.database.sql(
    `INSERT INTO campaigns (id, ${settings}) ${each("'many', 1, 0, 1, 0, 1, 16, 'active', 1, 1, 1")}`,
  );
}

test('with 10,050 campaigns a lost gate of the last one is 503 and not 404, and a worker is told of it', async (t) => {
  await make();
  const front = await file.start(t);
  expect(await front.redis.exists(keys.gate('many-10050'))).toBe(0);
  for (const id of ['many-00001', 'many-10050']) expect([id, (await front.join(id, 'ann')).status]).toEqual([id, 503]);
  expect((await front.join('many-10051', 'ann')).status).toBe(404);
  const live = await listLiveCampaigns(file.ledger());
  expect([live.length, live.at(-1)!.id]).toEqual([COUNT, 'many-10050']);
});
