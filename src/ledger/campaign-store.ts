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
