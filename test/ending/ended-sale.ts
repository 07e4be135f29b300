// A sale that is over: sold by a front, issued by the issuer, closed by an operator, declared drained as the janitor does.
import type { TestContext } from 'vitest';
import { type ComposedEnding, composeEnding } from '../../src/composition/ending.ts';
import { backlogOf } from '../../src/domain/gate-view.ts';
import { getCampaign } from '../../src/ledger/campaigns.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { markDrained } from '../../src/ledger/projections.ts';
import type { RedisClient } from '../../src/redis/connection.ts';
import { openRetries } from '../../src/retry/bullmq.ts';
import { keysLike } from '../helpers/redis.ts';
import { redisUrl } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import type { TestFront } from '../http/front.ts';
import { issue } from '../http/issue.ts';

export interface EndedSale {
  id: string;
  /** Of `user-1`, `user-2`, … */
  tickets: string[];
}

/** `spoil` comes before the end: it may give back, or leave something open. */
export async function endedSale(
  front: TestFront,
  ledger: Ledger,
  { count = 3, stock = 100, spoil = async (_sale: EndedSale): Promise<void> => undefined } = {},
): Promise<EndedSale> {
  const id = await front.create({ stock, shards: 2 });
  const sale = { id, tickets: await front.admit(id, 1, count) };
  const stops: (() => unknown)[] = [];
  await issue(
    { onTestFinished: (stop: () => unknown) => stops.push(stop) } as unknown as TestContext,
    front,
    ledger,
    id,
  );
  await until('all is issued', 60_000, async () => backlogOf((await front.readGates([id]))[0]!) === 0);
  // As the watch does: an issuer that goes on would make its streams again.
  for (const stop of stops) await stop();
  await spoil(sale);
  await front.admin('POST', `/admin/campaigns/${id}/close`);
  await drain(ledger, id);
  return sale;
}

export async function drain(ledger: Ledger, id: string): Promise<void> {
  await markDrained(ledger, id, (await getCampaign(ledger, id))!.version);
}

/** What a worker ends campaigns with; `name` tells two of them apart. */
export function openEnding(
  t: TestContext,
  {
    redis,
    ledger,
    url = redisUrl(),
    name = 'worker-1',
  }: { redis: RedisClient; ledger: Ledger; url?: string; name?: string },
): ComposedEnding {
  const retries = openRetries({ url, onError: () => undefined });
  t.onTestFinished(() => retries.close());
  return composeEnding({ redis, ledger, retries, name });
}

/** Names of the keys that Redis has of a campaign. */
export const keysOf = (redis: RedisClient, id: string): Promise<string[]> => keysLike(redis, `sluice:{*}:${id}:*`);
