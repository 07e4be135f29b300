// What a rebuilt gate is made of, with its ledger given. Questions of many campaigns at once go together.
import type { GivenBack } from '../domain/cancellation.ts';
import { limits } from '../process/limits.ts';
import { createTurns } from '../process/turns.ts';
import { questionsTo } from './asking.ts';
import { getCampaigns } from './campaigns.ts';
import { recordCancelled } from './cancellations.ts';
import { cancelledTags } from './ends.ts';
import {
  beginEpochs,
  type EpochOpening,
  type EpochReason,
  type Holder,
  ledgerFacts,
  noteOpenings,
  openForMs,
} from './epochs.ts';
import {
  cancelledHolders,
  firstHolders,
  heldUnits,
  holdersAmong,
  keptHolders,
  nextHolders,
  rowsUpTo,
} from './holders.ts';
import type { Ledger } from './pool.ts';
import { markAllProjected } from './projections.ts';

/** A statement compares each row with all that it is told: twice as many take four times as long. */
const QUESTIONS_MAX = 200;

export function epochStore(ledger: Ledger) {
  const { asking, telling } = questionsTo(ledger, QUESTIONS_MAX);
  // One at a time of what a campaign asks by itself: some hundred at once would fill the line for the worker's connections.
  const inTurn = createTurns(1);
  const get = asking(getCampaigns);
  const begin = asking(beginEpochs);
  const open = asking(openForMs);
  const note = telling(noteOpenings);
  const facts = asking(ledgerFacts);
  const first = asking(firstHolders);
  const project = telling(markAllProjected);
  return {
    get,
    beginEpoch: (campaign: string, from: number, to: number, why: { reason: EpochReason; worker: string }) =>
      begin({ campaign, from, to, ...why }),
    openForMs: (campaign: string, epoch: number) => open({ campaign, epoch }),
    noteOpening: (campaign: string, epoch: number, opening: EpochOpening) => note({ campaign, epoch, ...opening }),
    /** A campaign of so many units is asked for by itself: the others do not wait until its rows are counted. */
    facts: async (id: string, stock = 0) =>
      stock > limits.recoverySmallStockMax ? inTurn(async () => (await ledgerFacts(ledger, [id]))[0]!) : facts(id),
    holders: (id: string, after = 0): AsyncIterable<Holder[]> =>
      holdersFrom(
        after,
        () => first(id),
        (last) => inTurn(() => nextHolders(ledger, id, last)),
      ),
    holdersAmong: (id: string, users: readonly string[]) => inTurn(() => holdersAmong(ledger, id, users)),
    rowsUpTo: (id: string, unit: number) => inTurn(() => rowsUpTo(ledger, id, unit)),
    keptHolders: asking(keptHolders),
    cancelledHolders: asking(cancelledHolders),
    heldUnits: (id: string, units: readonly number[]) => inTurn(() => heldUnits(ledger, id, units)),
    cancelledTags: (id: string, tags: readonly string[]) => inTurn(() => cancelledTags(ledger, id, tags)),
    recordCancelled: (given: GivenBack) => recordCancelled(ledger, given),
    markProjected: (campaign: string, version: number) => project({ campaign, version }),
  };
}

/** Page by page. What many campaigns have in their first pages is read together. */
async function* holdersFrom(
  after: number,
  first: () => Promise<{ rows: Holder[]; isAll: boolean }>,
  next: (after: number) => Promise<Holder[]>,
): AsyncIterable<Holder[]> {
  const { rows, isAll } = after > 0 ? { rows: await next(after), isAll: false } : await first();
  if (rows.length > 0) yield rows;
  if (isAll) return;
  for (let last = rows.at(-1)?.unit; last !== undefined; ) {
    const page = await next(last);
    if (page.length > 0) yield page;
    last = page.at(-1)?.unit;
  }
}
