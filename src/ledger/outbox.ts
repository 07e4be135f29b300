// The outbox in the ledger. Rows are written by the transactions that they tell of.
//
// Rows of one ticket are in the order of their ids: whoever cancels holds the campaign (`holdForChange`), which waits for every
// transaction that issues in it, so the row of the issuance is committed, with a lower id, before the other one gets its id.
import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { Outbox, OutboxEntry, ToldTicket } from '../outbox/port.ts';
import type { Ledger } from './pool.ts';
import type { Schema } from './schema.ts';

interface Told {
  unit: number;
  epoch: number;
  seq: number;
  code: string;
}

/** Writes one row about these tickets, which may be none. */
export async function tellOutbox(
  tx: Kysely<Schema>,
  campaign: string,
  what: OutboxEntry['what'],
  tickets: readonly Told[],
): Promise<void> {
  if (tickets.length === 0) return;
  const told = tickets.map(({ unit, epoch, seq, code }): ToldTicket => {
    return { unit, epoch, seq, codeSha256: createHash('sha256').update(code).digest('hex') };
  });
  await tx
    .insertInto('outbox')
    .values({ campaign, what, tickets: JSON.stringify(told) })
    .execute();
}

export const createOutbox = (ledger: Ledger): Outbox => ({
  async oldest(limit) {
    const rows = await ledger.db.selectFrom('outbox').selectAll().orderBy('id').limit(limit).execute();
    return rows.map(({ id, campaign, what, tickets, at }) => {
      return { id, campaign, what, tickets: JSON.parse(tickets) as ToldTicket[], at: at.getTime() };
    });
  },
  async remove(ids) {
    if (ids.length > 0) await ledger.db.deleteFrom('outbox').where('id', 'in', ids).execute();
  },
  async size() {
    const { entries, ms } = await ledger.db
      .selectFrom('outbox')
      .select(({ fn }) => [
        fn.countAll<number>().as('entries'),
        sql<number | null>`timestampdiff(microsecond, min(at), current_timestamp(3)) / 1000`.as('ms'),
      ])
      .executeTakeFirstOrThrow();
    return { entries: Number(entries), oldestMs: Math.max(0, Number(ms ?? 0)) };
  },
  async removeOlder(ms) {
    const { numDeletedRows } = await ledger.db
      .deleteFrom('outbox')
      .where(sql<boolean>`at < current_timestamp(3) - interval ${ms * 1_000} microsecond`)
      .executeTakeFirst();
    return Number(numDeletedRows);
  },
});
