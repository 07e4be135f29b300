// What a worker asks of the ledger, behind one breaker and one bulkhead: while the ledger is away nobody asks, when it is
// back one asks first, then two, four, and never more at a time than there are connections.

import { Fault } from '../domain/fault.ts';
import { type Breaker, createBreaker } from '../process/breaker.ts';
import { limits } from '../process/limits.ts';
import { isOutage } from './errors.ts';
import type { Ledger } from './pool.ts';

export interface LedgerGuard extends Disposable {
  breaker: Breaker;
  /**
   * Does the work when its turn comes: each campaign (`of`) in turn, the work of one in the order of asking.
   * A retryable Fault at once while the breaker is open.
   */
  run: <T>(work: () => Promise<T>, of?: string) => Promise<T>;
  /** How many may work at a time just now. */
  width: () => number;
}

/** With so many connections or more one of them is left for a campaign that has none: it does not wait for a batch to end. */
const SHARED_FROM = 4;

export function createLedgerGuard(ledger: Ledger): LedgerGuard {
  const breaker = createBreaker({
    faultsMax: limits.ledgerFaultsMax,
    isOutage,
    refusal: new Fault(
      'ledger-unavailable',
      'the ledger did not answer; the worker sends it nothing until it answers a probe',
      {
        retryable: true,
      },
    ),
    // Changes nothing, and is refused where rows could not be written either: by a replica, by a server told read-only.
    probe: () => ledger.run('UPDATE campaigns SET version = version WHERE id IS NULL', []),
    probeMs: limits.ledgerProbeMs,
  });
  // One connection stays for what is not behind the bulkhead: looking for campaigns, tidying up.
  const widthMax = Math.max(1, ledger.connectionMax - 1);
  // Whose turn it is next stands first: a campaign with many batches holds up another one by one of them at most.
  const lines = new Map<string, (() => void)[]>();
  let width = widthMax;
  let workingCount = 0;

  const working = new Map<string, number>();

  /** The campaign whose turn it is, among those that have not all the connections that one may have. */
  const nextOf = (): string | undefined => {
    const max = width < SHARED_FROM ? width : width - 1;
    for (const of of lines.keys()) if (of === '' || (working.get(of) ?? 0) < max) return of;
    return undefined;
  };
  const admitNext = () => {
    while (workingCount < width) {
      const of = nextOf();
      if (of === undefined) return;
      const line = lines.get(of)!;
      lines.delete(of);
      workingCount += 1;
      working.set(of, (working.get(of) ?? 0) + 1);
      line.shift()!();
      if (line.length > 0) lines.set(of, line);
    }
  };
  const leave = (of: string) => {
    workingCount -= 1;
    const left = working.get(of)! - 1;
    if (left === 0) working.delete(of);
    else working.set(of, left);
    admitNext();
  };
  return {
    breaker,
    width: () => width,
    async run(work, of = '') {
      const turn = Promise.withResolvers<void>();
      lines.set(of, [...(lines.get(of) ?? []), turn.resolve]);
      admitNext();
      await turn.promise;
      try {
        const result = await breaker.run(work);
        width = Math.min(widthMax, width * 2);
        return result;
      } finally {
        if (breaker.isOpen()) width = 1;
        leave(of);
      }
    },
    [Symbol.dispose]: () => breaker[Symbol.dispose](),
  };
}
