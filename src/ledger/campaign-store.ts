// The campaigns of one ledger as an object, for those who must not know the ledger.
import type { CampaignSpec, StoredCampaign } from '../domain/campaign.ts';
import { limits } from '../process/limits.ts';
import { questionsTo } from './asking.ts';
import { countKept, listArchived, listUnarchived } from './campaign-lists.ts';
import { changeCampaign, countIssued, getCampaign, setCampaignState } from './campaigns.ts';
import { type Created, type Creation, createAll, createdOrThrown, creationOf, findCreated } from './creations.ts';
import { countDeadLetters } from './dead-letters.ts';
import { listGatedCampaigns, listGatedIds, listLiveCampaigns, liveCampaigns } from './gated.ts';
import { countByReason } from './letter-lists.ts';
import type { Ledger } from './pool.ts';
import { listUnprojected, markAllProjected, markDrained, markLive } from './projections.ts';
import { addStock } from './stock.ts';

type Rest<F> = F extends (ledger: Ledger, ...rest: infer Args) => unknown ? Args : never;

/**
 * The functions of campaigns.ts, creations.ts, stock.ts, projections.ts and dead-letters.ts with their ledger given.
 * Campaigns that are created while the ledger is busy are committed together: a commit costs more than a row.
 */
export const campaignStore = (ledger: Ledger) => ({
  ...creating(ledger),
  get: (id: string) => getCampaign(ledger, id),
  listUnarchived: (...rest: Rest<typeof listUnarchived>) => listUnarchived(ledger, ...rest),
  listArchived: (...rest: Rest<typeof listArchived>) => listArchived(ledger, ...rest),
  countKept: (ids: readonly string[]) => countKept(ledger, ids),
  listGated: (...rest: Rest<typeof listGatedCampaigns>) => listGatedCampaigns(ledger, ...rest),
  listGatedIds: (...rest: Rest<typeof listGatedIds>) => listGatedIds(ledger, ...rest),
  listLiveCampaigns: () => listLiveCampaigns(ledger),
  liveCampaigns: () => liveCampaigns(ledger),
  listUnprojected: () => listUnprojected(ledger),
  change: (...rest: Rest<typeof changeCampaign>) => changeCampaign(ledger, ...rest),
  setState: (...rest: Rest<typeof setCampaignState>) => setCampaignState(ledger, ...rest),
  /** The campaign as it is now, not as it was when the key was first used: its gate must not be taken back. */
  addStock: async (...rest: Rest<typeof addStock>): Promise<{ campaign: StoredCampaign; added: number }> => {
    const { campaign, added, isNew } = await addStock(ledger, ...rest);
    return { campaign: (await getCampaign(ledger, campaign))!, added: isNew ? added : 0 };
  },
  markDrained: async (id: string, version: number): Promise<void> => {
    await markDrained(ledger, id, version);
  },
  markLive: async (id: string): Promise<void> => {
    await markLive(ledger, id);
  },
  countIssued: (id: string) => countIssued(ledger, id),
  countDeadLetters: (id?: string) => countDeadLetters(ledger, id),
  countLettersByReason: async () =>
    new Map((await countByReason(ledger, { state: 'kept' })).map(({ reason, count }) => [reason, count])),
});

function creating(ledger: Ledger) {
  const { asking, telling } = questionsTo(ledger, limits.creationsPerCommit);
  const create = asking(createAll);
  const find = asking(async (its, wanted: readonly Creation[]) => {
    const found = await findCreated(its, wanted);
    return wanted.map((creation) => found.get(creation));
  });
  const mark = telling(markAllProjected);
  return {
    /** See createCampaign of creations.ts. */
    create: async (spec: CampaignSpec, actor: string): Promise<Created> =>
      createdOrThrown(await create(creationOf(spec, actor))),
    /** Whether it was created before with the same spec; throws what `create` would throw, and changes nothing. */
    wasCreated: async (spec: CampaignSpec, actor: string): Promise<boolean> => {
      const found = await find(creationOf(spec, actor));
      return found !== undefined && !createdOrThrown(found).created;
    },
    markProjected: (campaign: string, version: number): Promise<void> => mark({ campaign, version }),
  };
}
