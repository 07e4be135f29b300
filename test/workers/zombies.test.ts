import { expect, test } from 'vitest';
import type { TicketSource } from '../../src/broker/port.ts';
import { userTag } from '../../src/domain/ids.ts';
import { finishReturn } from '../../src/giving-back/give-back.ts';
import { keys } from '../../src/redis/keys.ts';
import { startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties, users } from './duties.ts';

const database = ownDatabase();

test('a worker that slept with a batch in hand does not issue again what was given back meanwhile', async (t) => {
  const { url: redisUrl } = await startRedis(t);
  const duties = openDuties(t, { redisUrl, ledger: database.open(), claimIdleMs: 300 });
  const campaign = await duties.openCampaign({ stock: 3 });
  const client = duties.client();
  const tickets = await client.admit(campaign, users(1, 3));

  const asleep = Promise.withResolvers<void>();
  const awake = Promise.withResolvers<void>();
  const own = duties.source(campaign, 'zombie');
  const source: TicketSource = {
    receive: async (waitMs) => {
      const batches = await own.receive(waitMs);
      if (batches.length > 0) {
        asleep.resolve();
        await awake.promise;
      }
      return batches;
    },
    release: (...released) => own.release(...released),
    close: () => own.close(),
  };
  const settled: number[] = [];
  duties.issue(campaign, { source, onSettled: ({ count }) => settled.push(count) });
  await asleep.promise;
  duties.issue(campaign, { workerName: 'heir' });
  for (const ticket of tickets) await client.untilStatus(ticket, 'issued');

  // As its front does: the ledger first, then the gate.
  const [view] = await duties.readGates([campaign]);
  const tag = userTag(campaign, 'user-2');
  const names = [{ epoch: 1, seq: 2 }];
  const cancellation = await duties.cancellations.cancel({ campaign, tag, user: undefined, unit: 2, names });
  if (cancellation === undefined || cancellation === 'busy') throw new Error('it was not given back');
  await finishReturn({ returns: duties.returns, store: duties.cancellations }, view!, cancellation);

  awake.resolve();
  await until('the zombie is done', 5_000, () => settled.length > 0);
  expect(settled).toEqual([0]);
  const rows = await database.sql('SELECT unit, user FROM issuances WHERE campaign = ? ORDER BY unit', [campaign]);
  expect(rows).toEqual([
    { unit: 1, user: 'user-1' },
    { unit: 3, user: 'user-3' },
  ]);
  expect(await duties.redis.zrange(keys.free(campaign), 0, '-1')).toEqual(['2']);
  expect((await duties.readGates([campaign]))[0]).toMatchObject({ settledCount: 3, remaining: 1, cancelledCount: 1 });
});
