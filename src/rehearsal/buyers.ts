// The crowd: buyers arrive at a set rate whatever the service does (open loop), ask twice, and follow their tickets.
import { sendAsDue } from './arrivals.ts';
import { type JoiningDeps, joinCampaign } from './joining.ts';
import { REPEAT_LATER_MAX_MS, REPEAT_LATER_MIN_MS } from './limits.ts';
import type { Log } from './log.ts';
import { followTicket } from './polling.ts';
import { type Chance, seededChance } from './time.ts';

export interface BuyersDeps extends JoiningDeps {
  /** Apart from `http`, which carries the joins. */
  pollHttp: JoiningDeps['http'];
}

export interface Crowd {
  campaign: string;
  buyers: number;
  /** Joins per second; buyer i is due at start + i / rate. */
  ratePerSecond: number;
  /** Share of buyers that send the same join twice, 0 to 1. */
  repeatShare: number;
  /** Share of those that send both at once; the others ask again 50 to 500 ms after their answer. */
  togetherShare: number;
  /** Share of admitted buyers that follow their ticket, 0 to 1. */
  pollShare: number;
  /** Draws their habits; where the identity leaves it open, user ids are `<seed>-<i>`. */
  seed: string;
  /** Ms after the last buyer is due at which everyone gives up. */
  deadlineMs: number;
}

/** Runs the whole crowd and gives `deps.log`, filled. Ends early when `deps.pauses` is stopped. Never rejects. */
export async function runBuyers(deps: BuyersDeps, crowd: Crowd): Promise<Log> {
  const startMs = deps.clock();
  const dueMs = (buyer: number) => startMs + (buyer * 1000) / crowd.ratePerSecond;
  const deadlineMs = dueMs(crowd.buyers - 1) + crowd.deadlineMs;
  const chance = seededChance(crowd.seed);
  deps.log.startedMs = startMs;
  await sendAsDue(deps, { count: crowd.buyers, dueMs }, (n, intendedMs) => {
    const user = deps.identity.userOf(crowd.seed, n);
    return buy(deps, crowd, { user, intendedMs, deadlineMs, ...habitsOf(chance, crowd) });
  });
  deps.log.endedMs = deps.clock();
  return deps.log;
}

interface Buyer {
  user: string;
  intendedMs: number;
  deadlineMs: number;
  repeats: boolean;
  together: boolean;
  laterMs: number;
  polls: boolean;
}

/** Drawn in order of arrival, so that the same seed gives the same crowd however the answers fall. */
function habitsOf(chance: Chance, crowd: Crowd) {
  return {
    repeats: chance() < crowd.repeatShare,
    together: chance() < crowd.togetherShare,
    laterMs: REPEAT_LATER_MIN_MS + chance() * (REPEAT_LATER_MAX_MS - REPEAT_LATER_MIN_MS),
    polls: chance() < crowd.pollShare,
  };
}

async function buy(deps: BuyersDeps, crowd: Crowd, buyer: Buyer): Promise<void> {
  const { user, intendedMs, deadlineMs } = buyer;
  const join = { campaign: crowd.campaign, user, deadlineMs };
  const first = joinCampaign(deps, { ...join, intendedMs, repeat: false });
  const second = buyer.repeats ? askTwice() : undefined;
  const joined = (await first) ?? (await second);
  deps.log.seen.joined += 1;
  if (joined !== undefined && buyer.polls) {
    deps.log.polled.add(user);
    await followTicket({ ...deps, http: deps.pollHttp }, { user, joined, deadlineMs });
  }
  await second;

  async function askTwice() {
    if (buyer.together) return joinCampaign(deps, { ...join, intendedMs, repeat: true });
    await first;
    const laterMs = deps.clock() + buyer.laterMs;
    if (laterMs > deadlineMs) return undefined;
    await deps.pauses.sleep(buyer.laterMs);
    return deps.pauses.stopped ? undefined : joinCampaign(deps, { ...join, intendedMs: laterMs, repeat: true });
  }
}
