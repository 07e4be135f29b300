import { expect, type TestContext, test } from 'vitest';
import { bucketOf, userTag } from '../../src/domain/ids.ts';
import { packPlace } from '../../src/domain/place.ts';
import { createGateBuilder } from '../../src/gate/redis/gate-builder.ts';
import { createGateContents } from '../../src/gate/redis/gate-contents.ts';
import { epochStore } from '../../src/ledger/epoch-store.ts';
import { reconcile } from '../../src/recovery/reconcile.ts';
import { recoverGate } from '../../src/recovery/recover.ts';
import { keys } from '../../src/redis/keys.ts';
import { redisUrl } from '../helpers/services.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties, users } from '../workers/duties.ts';

const database = ownDatabase();

/** A campaign of 30 units, 20 of them issued, none under way. */
async function soldSale(t: TestContext) {
  const ledger = database.open();
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger });
  const campaign = await duties.openCampaign({ stock: 30, shards: 2 });
  const client = duties.client();
  const tickets = await client.admit(campaign, users(1, 20));
  const stop = duties.issue(campaign);
  for (const ticket of tickets) await client.untilStatus(ticket, 'issued');
  await stop();
  const deps = {
    gates: createGateBuilder(duties.redis, 0),
    contents: createGateContents(duties.redis),
    readGates: duties.readGates,
    ledger: epochStore(ledger),
    listRetries: (id: string) => duties.retries.list(id),
  };
  const { buckets } = (await duties.readGates([campaign]))[0]!;
  const tagOf = (user: string) => userTag(campaign, user);
  return {
    ...duties,
    client,
    campaign,
    tickets,
    tagOf,
    bucket: (user: string) => keys.users(campaign, bucketOf(tagOf(user), buckets)),
    differences: (id = campaign) => reconcile(deps, id),
    repair: () => recoverGate({ ...deps, worker: 'tester', graceMs: 0 }, campaign, true),
  };
}

type Sale = Awaited<ReturnType<typeof soldSale>>;

const removeRow = ({ campaign }: Sale, unit: number) =>
  database.sql('DELETE FROM issuances WHERE campaign = ? AND unit = ?', [campaign, unit]);

const BREAKAGES: [name: string, breakIt: (sale: Sale) => Promise<unknown>, found: object[]][] = [
  [
    'a gate that forgot a holder',
    (sale) => sale.redis.hdel(sale.bucket('user-3'), sale.tagOf('user-3')),
    [{ kind: 'holder-unknown', unit: 3, epoch: 1, seq: 3 }],
  ],
  [
    'a unit that is held and for sale',
    (sale) => sale.redis.zadd(keys.free(sale.campaign), 5, 5),
    [{ kind: 'unit-held-and-free', unit: 5 }],
  ],
  [
    'a unit that nobody has',
    (sale) => sale.redis.hset(keys.gate(sale.campaign), 'next_unit', 21),
    [{ kind: 'unit-unaccounted', unit: 21 }],
  ],
  [
    'a ledger that lost a row',
    (sale) => removeRow(sale, 7),
    [
      { kind: 'issued-without-row', unit: 7, seq: 7 },
      { kind: 'unit-unaccounted', unit: 7 },
    ],
  ],
  [
    'a retry that is in no queue',
    async (sale) => {
      await removeRow(sale, 9);
      await sale.redis.hset(keys.exceptions(sale.campaign), 9, 'retrying:');
    },
    [
      { kind: 'retry-without-job', unit: 9, seq: 9 },
      { kind: 'unit-unaccounted', unit: 9 },
    ],
  ],
  [
    'a failure that no operator can see',
    async (sale) => {
      await removeRow(sale, 11);
      await sale.redis.hset(keys.exceptions(sale.campaign), 11, 'failed:odd');
    },
    [
      { kind: 'failed-without-letter', unit: 11, seq: 11 },
      { kind: 'unit-unaccounted', unit: 11 },
    ],
  ],
  [
    'a gate that tells another unit than the ledger',
    (sale) => database.sql('UPDATE issuances SET unit = 25 WHERE campaign = ? AND unit = 13', [sale.campaign]),
    [
      { kind: 'unit-differs', unit: 25, epoch: 1, seq: 13, detail: 'the gate says 13' },
      { kind: 'unit-unaccounted', unit: 13 },
    ],
  ],
  [
    'a gate that gives two users one unit',
    (sale) => {
      const ticket = { epoch: 1, seq: 3, unit: 3 };
      const place = packPlace({ seq: 3, unit: 5, admittedAt: Date.now(), ticket });
      return sale.redis.hset(sale.bucket('user-3'), sale.tagOf('user-3'), place);
    },
    [{ kind: 'unit-differs', unit: 3, epoch: 1, seq: 3, detail: 'the gate says 5' }],
  ],
  [
    'a row of another unit than its entry, which waits',
    async (sale) => {
      await sale.client.admit(sale.campaign, users(21, 21));
      await database.sql(
        `INSERT INTO issuances (campaign, unit, user, seq, epoch, code, admitted_at, last_unit)
          SELECT campaign, 25, 'user-21', 21, epoch, REVERSE(code), admitted_at, last_unit FROM issuances
          WHERE campaign = ? AND unit = 20`,
        [sale.campaign],
      );
    },
    [{ kind: 'unit-differs', unit: 25, epoch: 1, seq: 21, detail: 'the gate says 21' }],
  ],
  [
    'a gate that has heard of changes which the ledger has not',
    (sale) => sale.redis.hset(keys.gate(sale.campaign), 'version', 5),
    [{ kind: 'settings-differ', detail: 'the gate has version 5, the ledger 1' }],
  ],
  [
    'a gate of the same version as a ledger that was restored and changed since',
    (sale) => sale.redis.hset(keys.gate(sale.campaign), 'rate', 7, 'state', 'paused'),
    [{ kind: 'settings-differ', detail: 'same version, but different state, ratePerSecond' }],
  ],
  [
    'a gate that has not heard of a change of which the ledger says that it has',
    (sale) => database.sql('UPDATE campaigns SET version = 3, projected_version = 3 WHERE id = ?', [sale.campaign]),
    [{ kind: 'settings-differ', detail: 'the gate has version 1, the ledger 3' }],
  ],
  [
    'a gate that is gone',
    (sale) => sale.redis.del(keys.gate(sale.campaign)),
    [{ kind: 'gate-closed', detail: 'missing' }],
  ],
];

test.for(BREAKAGES)('%s is found, and repaired', async ([, breakIt, found], t) => {
  const sale = await soldSale(t);
  expect(await sale.differences()).toEqual([]);
  await breakIt(sale);
  expect(await sale.differences()).toEqual(found);
  expect(await sale.repair()).toMatchObject({ rebuilt: true, epoch: 2 });
  const left = (await sale.differences())!;
  // Whoever had a ticket and no row is lost until they ask; nothing else differs.
  expect(left.filter(({ kind }) => kind !== 'ticket-lost')).toEqual([]);
  const [{ rows }] = (await database.sql('SELECT COUNT(*) AS `rows` FROM issuances WHERE campaign = ?', [
    sale.campaign,
  ])) as [{ rows: number }];
  expect(left).toHaveLength(Math.max(20, rows) - rows);
});

test('what a repair could not know of is listed until its holder asks, and then issued under its own unit', async (t) => {
  const sale = await soldSale(t);
  await removeRow(sale, 7);
  await sale.repair();
  expect(await sale.differences()).toEqual([{ kind: 'ticket-lost', epoch: 1, seq: 7 }]);
  sale.issue(sale.campaign);
  const toNobody = () =>
    sale.client.poll(sale.tickets[6]!).catch((error: { code: string }) => ({ status: error.code }));
  await expect.poll(async () => (await toNobody()).status).toBe('unidentified');
  await expect
    .poll(async () => (await sale.client.poll(sale.tickets[6]!, 'user-7')).issuance)
    .toMatchObject({ unit: 7 });
  expect(await sale.differences()).toEqual([]);
});

test('a ledger that was restored from before the last epochs: none of their numbers comes again', async (t) => {
  const sale = await soldSale(t);
  await sale.repair();
  await sale.repair();
  await database.sql('UPDATE campaigns SET epoch = 1 WHERE id = ?', [sale.campaign]);
  await database.sql('DELETE FROM epochs WHERE campaign = ? AND epoch > 1', [sale.campaign]);
  expect(await sale.repair()).toMatchObject({ reason: 'damaged', epoch: 4 });
  expect(await sale.differences()).toEqual([]);
});

test('the gate of a campaign that was done with is rebuilt: it is live again, so that what comes back is issued', async (t) => {
  const sale = await soldSale(t);
  await sale.store.markDrained(sale.campaign, 1);
  const live = async () => (await sale.store.listLiveCampaigns()).map(({ id }) => id);
  expect(await live()).not.toContain(sale.campaign);
  await sale.redis.del(keys.gate(sale.campaign));
  await sale.repair();
  expect(await live()).toContain(sale.campaign);
});

test('an entry that somebody wrote ahead of the gate is found out, and joins go on behind it', async (t) => {
  const sale = await soldSale(t);
  const [view] = await sale.readGates([sale.campaign]);
  await sale.redis.xadd(keys.work(sale.campaign, 1), '99-0', 'user', 'intruder', 'unit', '2', 'admitted_at', '1');
  expect(await sale.differences()).toEqual([{ kind: 'gate-closed', detail: 'damaged' }]);
  await sale.repair();
  const [after] = await sale.readGates([sale.campaign]);
  expect([view!.seq, after!.seq]).toEqual([20, 99]);
});

test('a sale in full swing shows no difference', async (t) => {
  const sale = await soldSale(t);
  const campaign = await sale.openCampaign({ stock: 3_000, shards: 4 });
  sale.issue(campaign);
  let isOver = false;
  const selling = (async () => {
    for (let from = 1; from < 3_000 && !isOver; from += 50) await sale.client.admit(campaign, users(from, from + 49));
  })();
  for (let look = 0; look < 2; look += 1) expect(await sale.differences(campaign)).toEqual([]);
  isOver = true;
  await selling;
});
