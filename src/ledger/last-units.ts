// How far the units of a campaign go, remembered: an INSERT must name a tranche of its campaign.
import { Fault } from '../domain/fault.ts';
import { limits } from '../process/limits.ts';
import type { Ledger } from './pool.ts';

/** By ledger and campaign. Tranches are only ever added, so what was read once stays a tranche. */
const memories = new WeakMap<Ledger, Map<string, number>>();

/**
 * The end of a tranche of the campaign: the latest one when `neededUnit` lies beyond the one remembered. The caller
 * compares: a unit beyond it is beyond the stock. Throws `not-found` when the ledger has no such campaign.
 */
export async function lastUnitFor(ledger: Ledger, campaign: string, neededUnit: number): Promise<number> {
  const memory = memories.get(ledger) ?? new Map<string, number>();
  memories.set(ledger, memory);
  const known = memory.get(campaign);
  if (known !== undefined && neededUnit <= known) return known;
  const lastUnit = await readLastUnit(ledger, campaign);
  if (memory.size >= limits.ledgerCampaignsMax) memory.clear();
  memory.set(campaign, lastUnit);
  return lastUnit;
}

/** Reads it again next time: after a fault the ledger may be another one, restored from before that tranche. */
export const forgetLastUnit = (ledger: Ledger, campaign: string): void => {
  memories.get(ledger)?.delete(campaign);
};

/** The last unit of a campaign. Throws `not-found` when the ledger has no such campaign. */
async function readLastUnit(ledger: Ledger, campaign: string): Promise<number> {
  const last = await ledger.db
    .selectFrom('tranches')
    .select((eb) => eb.fn.max('last_unit').as('lastUnit'))
    .where('campaign', '=', campaign)
    .executeTakeFirst();
  if (last?.lastUnit == null) throw new Fault('not-found', `the ledger has no campaign ${campaign}`);
  return last.lastUnit;
}
