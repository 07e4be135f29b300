// What a worker would do to the first ticket of a campaign, one step at a time.
import { decodeOutcome } from '../../src/gate/redis/outcome-text.ts';
import { createSettlement } from '../../src/gate/redis/settlement.ts';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { GROUP, keys } from '../../src/redis/keys.ts';
import type { TestFront } from './front.ts';

/** Delivered to a worker that does nothing with it. */
export async function deliver({ redis, readGates }: TestFront, campaign: string): Promise<void> {
  const { shards } = (await readGates([campaign]))[0]!;
  for (let shard = 0; shard < shards; shard += 1) {
    const work = keys.work(campaign, shard);
    await redis.xgroup('CREATE', work, GROUP, '0', 'MKSTREAM').catch(() => undefined);
    await redis.xreadgroup('GROUP', GROUP, 'idle', 'COUNT', 10, 'STREAMS', work, '>');
  }
}

/** As the worker that had it would settle it: with this outcome. */
export async function settleAs(
  front: TestFront,
  ledger: Ledger,
  campaign: string,
  outcome: 'retrying:' | 'failed:rejected',
): Promise<void> {
  await deliver(front, campaign);
  const batch = { campaign, epoch: 1, shard: 1, entries: [{ seq: 1 }] };
  await createSettlement(front.redis).settle(batch, [{ seq: 1, outcome: decodeOutcome(outcome) }]);
  if (outcome !== 'retrying:') await keepDeadLetter(ledger, letterOf(campaign));
}

const letterOf = (campaign: string) => ({
  campaign,
  epoch: 1,
  seq: 1,
  unit: 1,
  user: 'user-1',
  admittedAt: Date.now(),
  reason: 'rejected',
  attempts: 6,
});
