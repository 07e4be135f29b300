import { expect, test } from 'vitest';
import type { Batch, TicketSource } from '../../src/broker/port.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { Fault } from '../../src/domain/fault.ts';
import { shardOf } from '../../src/domain/shard.ts';
import { createMemoryCarrier } from '../contract/memory-carrier.ts';
import { redisUrl } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties } from './duties.ts';

const database = ownDatabase();
const SHARDS = 3;

test('the same issuer works from a carrier in memory: rows, exceptions and dead letters alike', async (t) => {
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 300, shards: SHARDS });
  const carrier = createMemoryCarrier({ batchMax: 50, claimIdleMs: 60_000, clock: systemClock });
  const append = (seq: number, fields: Record<string, string>) =>
    carrier.append(campaign, shardOf(seq, SHARDS), { seq, fields });
  for (let seq = 1; seq <= 200; seq += 1) {
    append(seq, { user: `user-${seq}`, unit: String(seq), admitted_at: String(Date.now()) });
  }
  append(201, { user: 'user-1', unit: '201', admitted_at: String(Date.now()) });
  append(202, { nonsense: 'yes' });
  const sizes: number[] = [];
  const { settlement } = carrier;
  duties.issue(campaign, { source: carrier.open('w'), settlement, onSettled: ({ count }) => sizes.push(count) });
  await until('all are settled', () => carrier.waitingCount(campaign) === 0);
  expect(sizes.every((size) => size <= 50)).toBe(true);
  expect(await database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [campaign])).toEqual([
    { n: 200 },
  ]);
  expect([...carrier.exceptionsOf(campaign).values()].toSorted((a, b) => a.seq - b.seq)).toEqual([
    { seq: 201, outcome: { status: 'issued-renumbered', unit: 1 }, returnedUnit: 201 },
    { seq: 202, outcome: { status: 'failed', reason: 'malformed-entry' } },
  ]);
  expect(await database.sql('SELECT seq FROM dead_letters WHERE campaign = ?', [campaign])).toEqual([{ seq: 202 }]);
});

test('a batch that another worker was given during an outage was issued a second time', async (t) => {
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 1 });
  let now = 0;
  const carrier = createMemoryCarrier({ batchMax: 50, claimIdleMs: 1_000, clock: () => now });
  const [own, heir] = [carrier.open('own'), carrier.open('heir')];
  const released: string[] = [];
  const source: TicketSource = {
    receive: (waitMs) => own.receive(waitMs),
    release(batch, how) {
      released.push(how);
      own.release(batch, how);
    },
    close: () => own.close(),
  };
  let [issuedCount, settleCount] = [0, 0];
  const inherited: Batch[] = [];
  duties.issue(campaign, {
    source,
    issueBatch: (...asked) => {
      issuedCount += 1;
      return duties.issuerDeps.issueBatch(...asked);
    },
    settlement: {
      async settle() {
        settleCount += 1;
        now += 1_001;
        inherited.push(...(await heir.receive(0)));
        throw new Fault('redis-unavailable', 'Redis is away', { retryable: true });
      },
    },
  });
  carrier.append(campaign, 0, { seq: 1, fields: { user: 'user-1', unit: '1', admitted_at: String(Date.now()) } });
  await until('the batch is put down', () => released.length > 0);
  expect({ released, issuedCount, settleCount, heirs: inherited.length }).toEqual({
    released: ['unsettled'],
    issuedCount: 1,
    settleCount: 1,
    heirs: 1,
  });
  expect(await carrier.settlement.settle(inherited[0]!, [])).toBe(1);
});
