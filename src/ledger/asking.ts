// Questions to a ledger that go together where they are asked in the same moment.
import { together } from '../process/together.ts';
import { isOutage } from './errors.ts';
import type { Ledger } from './pool.ts';

/** Of questions, and of what is told without an answer, at most `countMax` go together. */
export function questionsTo(ledger: Ledger, countMax: number) {
  const asking = <K, V>(many: (ledger: Ledger, questions: readonly K[]) => Promise<V[]>) =>
    together<K, V>({ countMax, many: (questions) => many(ledger, questions), isShared: isOutage });
  const telling = <K>(many: (ledger: Ledger, told: readonly K[]) => Promise<void>) =>
    asking<K, void>(async (its, told) => {
      await many(its, told);
      return told.map(() => undefined);
    });
  return { asking, telling };
}
