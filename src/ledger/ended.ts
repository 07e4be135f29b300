// What fronts ask about campaigns that have no gate any more: which ended, and what became of their tickets.
import type { AskedTicket, EndedCampaign, EndedTicket } from '../domain/ended-campaign.ts';
import { ERASED_PREFIX, isErased } from '../domain/erased.ts';
import { userTag } from '../domain/ids.ts';
import type { Ledger } from './pool.ts';

/** The campaign where it is archived; `goes-on` where it is not; undefined where the ledger has none. */
export async function findEnd(ledger: Ledger, id: string): Promise<EndedCampaign | 'goes-on' | undefined> {
  const row = await ledger.db
    .selectFrom('campaigns')
    .select(['name', 'opens_at', 'closes_at', 'stock', 'left_count', 'archived_at', 'purged_at'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  if (row.archived_at === null) return 'goes-on';
  return {
    name: row.name,
    opensAt: row.opens_at?.getTime() ?? null,
    closesAt: row.closes_at?.getTime() ?? null,
    stock: row.stock,
    leftCount: row.left_count ?? 0,
    isPurged: row.purged_at !== null,
  };
}

/**
 * What became of a ticket of an archived campaign. Six questions by key at most; where it was issued under another unit
 * than it names and nobody says who asks, one that reads the campaign's rows: half a second a million.
 */
export async function findEndedTicket(ledger: Ledger, asked: AskedTicket): Promise<EndedTicket> {
  const { campaign, unit, user } = asked;
  const rows = ledger.db
    .selectFrom('issuances')
    .select(['unit', 'code', 'user', 'epoch', 'seq'])
    .where('campaign', '=', campaign);
  const byUnit = await rows.where('unit', '=', unit).executeTakeFirst();
  if (byUnit !== undefined && isTheirs(asked, byUnit)) return issued(byUnit);
  const ended = (await cancelled(ledger, asked)) ?? (await failed(ledger, asked));
  if (ended !== undefined) return ended;
  const named = rows.where('epoch', '=', asked.epoch).where('seq', '=', asked.seq);
  const other =
    user === undefined
      ? await named.executeTakeFirst()
      : ((await rows.where('user', '=', user).executeTakeFirst()) ??
        (await named.where('user', 'like', `${ERASED_PREFIX}%`).executeTakeFirst()));
  return other !== undefined && isTheirs(asked, other) ? issued(other) : { status: 'lost' };
}

const issued = ({ unit, code }: { unit: number; code: string }): EndedTicket => ({ status: 'issued', unit, code });

/** By its user; a row whose user was erased, by the name that was signed. */
function isTheirs(asked: AskedTicket, row: { user: string; epoch: number; seq: number }): boolean {
  if (isErased(row.user)) return row.epoch === asked.epoch && row.seq === asked.seq;
  return userTag(asked.campaign, row.user) === asked.tag;
}

async function cancelled(ledger: Ledger, { campaign, tag, epoch, seq }: AskedTicket): Promise<EndedTicket | undefined> {
  const all = ledger.db.selectFrom('cancellations').select('seq').where('campaign', '=', campaign);
  const byTag = await all.where('tag', '=', tag).executeTakeFirst();
  const found =
    byTag ?? (await all.where('epoch', '=', epoch).where('seq', '=', seq).where('tag', 'is', null).executeTakeFirst());
  return found && { status: 'cancelled' };
}

/** A letter that is kept is the last word of a ticket whose campaign is archived. */
async function failed(ledger: Ledger, asked: AskedTicket): Promise<EndedTicket | undefined> {
  const letter = await ledger.db
    .selectFrom('dead_letters')
    .select(['reason', 'user', 'epoch', 'seq'])
    .where('campaign', '=', asked.campaign)
    .where('epoch', '=', asked.epoch)
    .where('seq', '=', asked.seq)
    .where('state', '=', 'kept')
    .executeTakeFirst();
  if (letter === undefined) return undefined;
  const { user, reason } = letter;
  return user === null || isTheirs(asked, { ...letter, user }) ? { status: 'failed', reason } : undefined;
}
