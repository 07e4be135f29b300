// Any shape of k6/shapes/, sent by k6: a crowd that comes at its own pace, whatever the service does (open model).
//
//   k6 run -e ADMIN_TOKEN=… -e SHAPE=peak -e SCALE=0.5 k6/load.ts
import exec from 'k6/execution';
import { follow, join as joinAs, journey as journeyOf, pollOnce } from './lib/buyer.ts';
import { createCampaign, joinBefore, judgeCampaign, type Sale, takeSteps } from './lib/campaign.ts';
import { optionsOf } from './lib/options.ts';
import { settings } from './lib/settings.ts';
import { follows } from './shapes/habits.ts';

export { report as handleSummary } from './lib/report.ts';

const { shape } = settings;

export const options = optionsOf(shape);

export function setup(): Sale {
  const campaign = createCampaign(shape);
  return { campaign, joinedBefore: joinBefore(campaign, shape.joinedBefore) };
}

/** Buyer number `iterationInTest` joins, and may follow the ticket. */
export function join({ campaign }: Sale): void {
  const n = exec.scenario.iterationInTest;
  const buyer = { campaign, n, user: `buyer-${n}` };
  const joined = joinAs(buyer);
  if (joined !== undefined && follows(shape, n)) follow(buyer, joined);
}

/** One poll of a ticket that was there before the load. */
export function poll({ joinedBefore }: Sale): void {
  pollOnce(joinedBefore[exec.scenario.iterationInTest % joinedBefore.length]!);
}

/** Buyer number `iterationInTest` goes through every call of the public API. */
export function journey({ campaign }: Sale): void {
  const n = exec.scenario.iterationInTest;
  journeyOf({ campaign, n, user: `buyer-${n}` });
}

/** The operator's steps, each when it is due. */
export function operate({ campaign }: Sale): void {
  takeSteps(campaign, shape.operator, exec.scenario.startTime);
}

export function teardown({ campaign }: Sale): void {
  judgeCampaign(campaign, shape);
}
