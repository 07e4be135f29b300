// GET /v1/campaigns/{id}: what anybody may know of a sale.
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { type CampaignMemory, isCurrent } from '../../admission/campaign-memory.ts';
import type { Campaigns } from '../../admission/campaigns.ts';
import { phaseOf } from '../../domain/campaign.ts';
import { spanClock } from '../../domain/clock.ts';
import type { EndedCampaign } from '../../domain/ended-campaign.ts';
import { isFault } from '../../domain/fault.ts';
import { gateTime } from '../../domain/gate-view.ts';
import { isCampaignId } from '../../domain/ids.ts';
import { declare } from '../declare.ts';
import * as problems from '../problems.ts';
import { json } from '../respond.ts';
import { campaignId, campaignSchema, jsonAnswer, problemAnswer } from './schemas.ts';

export interface CampaignRouteDeps {
  campaigns: Campaigns;
  /** Origins of pages that may read the answers. */
  corsOrigins?: readonly string[];
}

export function campaignRoute(app: OpenAPIHono, deps: CampaignRouteDeps): void {
  // Also to those who send no Origin: a cache would give their answer, without a word for browsers, to a page.
  const vary = deps.corsOrigins?.length ? { vary: 'origin' } : {};
  const headers = { 'cache-control': 'public, max-age=1', ...vary };
  declare(
    app,
    {
      method: 'get',
      path: '/v1/campaigns/{id}',
      summary: 'Show a campaign: its times, whether it is sold out, and roughly how many units are left',
      request: { params: z.object({ id: campaignId }) },
      responses: {
        200: jsonAnswer('The campaign', campaignSchema),
        404: problemAnswer('No such campaign'),
        410: problemAnswer('campaign-purged: the campaign has ended, and its tickets were deleted'),
        503: problemAnswer('The front cannot read the gate; ask again after Retry-After'),
      },
    },
    (c) => {
      const id = c.req.param('id')!;
      if (!isCampaignId(id)) return problems.unknownCampaign();
      const memory = deps.campaigns.peek(id);
      if (memory !== undefined) return shown(memory, headers);
      // Guesses cost the least.
      return deps.campaigns.refusesGuess(id) ? problems.guessedTooOften() : showUnmet(deps.campaigns, id, headers);
    },
  );
}

/** A campaign that this front does not know yet, or not any more. */
async function showUnmet(campaigns: Campaigns, id: string, headers: Record<string, string>): Promise<Response> {
  const memory = await campaigns.get(id).catch(archived);
  if (memory === 'archived') return json(200, endedCampaign(id, campaigns.ended(id)!), headers);
  return memory === undefined ? problems.unknownCampaign() : shown(memory, headers);
}

function shown(memory: CampaignMemory, headers: Record<string, string>): Response {
  const { view, drain } = memory;
  const now = spanClock();
  if (view.remaining <= 0 && !isCurrent(memory, now)) {
    return problems.unavailable('The front cannot read the gate, and units may be for sale again. Please try again.', {
      kind: 'redis-unavailable',
    });
  }
  const rate = drain.perSecond();
  const body: z.input<typeof campaignSchema> = {
    id: view.id,
    name: view.name,
    phase: phaseOf(view, view.remaining, gateTime(view, now)),
    opensAt: isoTime(view.opensAt),
    closesAt: isoTime(view.closesAt),
    soldOut: view.remaining <= 0,
    remaining: band(view.remaining / view.stock),
    drainPerSecond: rate === undefined ? null : Math.round(rate * 10) / 10,
  };
  return json(200, body, headers);
}

function archived(error: unknown): 'archived' {
  if (isFault(error, 'archived')) return 'archived';
  throw error;
}

/** What anybody may know of a campaign whose gate is no more. */
const endedCampaign = (id: string, ended: EndedCampaign): z.input<typeof campaignSchema> => ({
  id,
  name: ended.name,
  phase: 'ended',
  opensAt: isoTime(ended.opensAt),
  closesAt: isoTime(ended.closesAt),
  soldOut: ended.leftCount <= 0,
  remaining: band(ended.leftCount / ended.stock),
  drainPerSecond: null,
});

export const isoTime = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** Coarse on purpose: an exact count invites a crowd to poll it. */
function band(share: number): 'none' | 'few' | 'some' | 'many' {
  if (share <= 0) return 'none';
  if (share <= 0.05) return 'few';
  return share <= 0.25 ? 'some' : 'many';
}
