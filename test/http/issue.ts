// The issuer duty of the workers, run by a test in its own process, with the real ledger.
import type { TestContext } from 'vitest';
import { createRedisStreams } from '../../src/broker/redis-streams.ts';
import type { IssuanceRow } from '../../src/domain/issuance.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { limits } from '../../src/process/limits.ts';
import { openBlocking } from '../../src/redis/connection.ts';
import { issueTickets } from '../../workers/issuer.ts';
import { redisUrl } from '../helpers/services.ts';
import { COUPON_KEY, type TestFront } from './front.ts';

/** Issues the tickets of `campaign` from now on until the test ends. */
export async function issue(t: TestContext, front: TestFront, ledger: Ledger, campaign: string): Promise<void> {
  const [view] = await front.readGates([campaign]);
  const stop = new AbortController();
  const broker = createRedisStreams({
    redis: front.redis,
    openReader: (name) => openBlocking({ url: redisUrl(), name, onError: () => undefined, blockMs: limits.receiveMs }),
    batchMax: 100,
    claimIdleMs: limits.claimIdleMs,
    onVanished: () => undefined,
    onForeign: () => undefined,
  });
  const deps = {
    broker,
    gate: front.gate,
    retries: { schedule: () => Promise.reject(new Error('nothing is retried here')) },
    issueBatch: (rows: IssuanceRow[], epoch: number) => issueBatch(ledger, rows, epoch),
    keepMalformed: () => Promise.reject(new Error('nothing is malformed here')),
    couponKey: COUPON_KEY,
    workerName: 'test-issuer',
    untilLedgerUp: async () => undefined,
    onSettled: () => undefined,
    onLeft: () => undefined,
    onError: () => undefined,
  };
  const issuing = issueTickets(deps, view!, stop.signal);
  t.onTestFinished(async () => {
    stop.abort();
    await issuing;
  });
}
