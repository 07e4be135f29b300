// The campaigns of one ledger as an object, for those who must not know the ledger.
import type { StoredCampaign } from '../domain/campaign.ts';
import {
  changeCampaign,
  countIssued,
  createCampaign,
  getCampaign,
  listCampaigns,
  setCampaignState,
} from './campaigns.ts';
import { countDeadLetters } from './dead-letters.ts';
import {
  beginEpoch,
  cancelledHolders,
  heldUnits,
  holders,
  holdersAmong,
  keptHolders,
  ledgerFacts,
  noteOpening,
  openForMs,
  rowsUpTo,
} from './epochs.ts';
import { listGatedCampaigns, listGatedIds, listLiveCampaigns } from './gated.ts';
import type { Ledger } from './pool.ts';
import { listUnprojected, markDrained, markLive, markProjected } from './projections.ts';
import { addStock } from './stock.ts';

type Rest<F> = F extends (ledger: Ledger, ...rest: infer Args) => unknown ? Args : never;

/** The functions of campaigns.ts, stock.ts, projections.ts and dead-letters.ts with their ledger given. */
export const campaignStore = (ledger: Ledger) => ({
  create: (...rest: Rest<typeof createCampaign>) => createCampaign(ledger, ...rest),
  get: (id: string) => getCampaign(ledger, id),
  list: (...rest: Rest<typeof listCampaigns>) => listCampaigns(ledger, ...rest),
  listGated: (...rest: Rest<typeof listGatedCampaigns>) => listGatedCampaigns(ledger, ...rest),
  listGatedIds: (...rest: Rest<typeof listGatedIds>) => listGatedIds(ledger, ...rest),
  listLiveCampaigns: () => listLiveCampaigns(ledger),
  listUnprojected: () => listUnprojected(ledger),
  change: (...rest: Rest<typeof changeCampaign>) => changeCampaign(ledger, ...rest),
  setState: (...rest: Rest<typeof setCampaignState>) => setCampaignState(ledger, ...rest),
  /** The campaign as it is now, not as it was when the key was first used: its gate must not be taken back. */
  addStock: async (...rest: Rest<typeof addStock>): Promise<{ campaign: StoredCampaign; added: number }> => {
    const { campaign, added, isNew } = await addStock(ledger, ...rest);
    return { campaign: (await getCampaign(ledger, campaign))!, added: isNew ? added : 0 };
  },
  markProjected: async (id: string, version: number): Promise<void> => {
    await markProjected(ledger, id, version);
  },
  markDrained: async (id: string, version: number): Promise<void> => {
    await markDrained(ledger, id, version);
  },
  markLive: async (id: string): Promise<void> => {
    await markLive(ledger, id);
  },
  countIssued: (id: string) => countIssued(ledger, id),
  countDeadLetters: (id?: string) => countDeadLetters(ledger, id),
});

/** What a rebuilt gate is made of, with its ledger given. */
export const epochStore = (ledger: Ledger) => ({
  get: (id: string) => getCampaign(ledger, id),
  beginEpoch: (...rest: Rest<typeof beginEpoch>) => beginEpoch(ledger, ...rest),
  openForMs: (id: string, epoch: number) => openForMs(ledger, id, epoch),
  noteOpening: (...rest: Rest<typeof noteOpening>) => noteOpening(ledger, ...rest),
  facts: (id: string) => ledgerFacts(ledger, id),
  holders: (id: string, after?: number) => holders(ledger, id, after),
  holdersAmong: (id: string, users: readonly string[]) => holdersAmong(ledger, id, users),
  rowsUpTo: (id: string, unit: number) => rowsUpTo(ledger, id, unit),
  keptHolders: (id: string) => keptHolders(ledger, id),
  cancelledHolders: (id: string) => cancelledHolders(ledger, id),
  heldUnits: (id: string, units: readonly number[]) => heldUnits(ledger, id, units),
  markProjected: async (id: string, version: number): Promise<void> => {
    await markProjected(ledger, id, version);
  },
});
