// Joins: decided at once where memory knows the refusal, else by the gate.
import { spanClock } from '../domain/clock.ts';
import type { Decision } from '../domain/decision.ts';
import { userTag } from '../domain/ids.ts';
import { type CampaignMemory, refusalFromMemory } from './campaign-memory.ts';
import type { Campaigns } from './campaigns.ts';
import { createGateCalls, type GateCallsDeps } from './gate-calls.ts';

export interface JoinsDeps extends GateCallsDeps {
  campaigns: Campaigns;
}

export interface JoinAnswer {
  decision: Decision;
  memory: CampaignMemory;
  tag: string;
}

export interface Joins {
  /**
   * Decides a join: at once where memory knows the refusal, else by the gate. Undefined when there is no such campaign.
   * Rejects with a Fault when the answer is unknown (`redis-unavailable`, `overloaded`, …): asking again is safe.
   * `trace` is a W3C traceparent or ''.
   */
  join(campaign: string, user: string, trace: string): JoinAnswer | Promise<JoinAnswer | undefined>;
  /** Whether a join of this campaign would wait too long for its call; `join` refuses it then. */
  isFull(campaign: string): boolean;
  /** Whether `join` would refuse this campaign as one of too many guesses. */
  refusesGuess(campaign: string): boolean;
  /** Joins waiting for the gate. */
  waitingCount: () => number;
}

export function createJoins(deps: JoinsDeps): Joins {
  const { now = spanClock } = deps;
  const calls = createGateCalls(deps);

  function decideOrAsk(memory: CampaignMemory, user: string, trace: string): JoinAnswer | Promise<JoinAnswer> {
    const tag = userTag(memory.view.id, user);
    const refusal = refusalFromMemory(memory, tag, now());
    if (refusal !== undefined) return { decision: refusal, memory, tag };
    return calls.ask(memory, { tag, user, trace }).then((decision) => ({ decision, memory, tag }));
  }

  /** The first join of a campaign that this front has not met yet. */
  async function meet(campaign: string, user: string, trace: string): Promise<JoinAnswer | undefined> {
    const memory = await deps.campaigns.get(campaign);
    return memory && decideOrAsk(memory, user, trace);
  }

  return {
    join(campaign, user, trace) {
      const memory = deps.campaigns.peek(campaign);
      return memory === undefined ? meet(campaign, user, trace) : decideOrAsk(memory, user, trace);
    },
    isFull: calls.isFull,
    refusesGuess: (campaign) => deps.campaigns.refusesGuess(campaign),
    waitingCount: calls.waitingCount,
  };
}
