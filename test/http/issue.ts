// The issuer duty of the workers, run by a test in its own process, with the real ledger.
import type { TestContext } from 'vitest';
import type { IssuanceRow } from '../../src/domain/issuance.ts';
import { createSettlement } from '../../src/gate/redis/settlement.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { issueTickets } from '../../workers/issuer.ts';
import { openSource } from '../contract/redis-source.ts';
import { COUPON_KEY, type TestFront } from './front.ts';

/** Issues the tickets of `campaign` from now on until the test ends. */
export async function issue(t: TestContext, front: TestFront, ledger: Ledger, campaign: string): Promise<void> {
  const stop = new AbortController();
  const source = openSource({ redis: front.redis, only: [campaign], name: 'test-issuer', batchMax: 100 });
  const deps = {
    source,
    settlement: createSettlement(front.redis),
    gate: front.gate,
    retries: { schedule: () => Promise.reject(new Error('nothing is retried here')) },
    issueBatch: (rows: IssuanceRow[], epoch: number) => issueBatch(ledger, rows, epoch),
    keepMalformed: () => Promise.reject(new Error('nothing is malformed here')),
    carrier: 'redis' as const,
    couponKey: COUPON_KEY,
    untilLedgerUp: async () => undefined,
    onSettled: () => undefined,
    onLeft: () => undefined,
    onError: () => undefined,
  };
  const issuing = issueTickets(deps, stop.signal);
  t.onTestFinished(async () => {
    stop.abort();
    await issuing;
  });
}
