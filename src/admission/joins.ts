// Joins: those of one event-loop turn go to the gate together, because a call costs more than a decision.
import type { Clock } from '../domain/clock.ts';
import type { Decision } from '../domain/decision.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { userTag } from '../domain/ids.ts';
import { limits } from '../limits.ts';
import type { Gate, Join } from '../redis/gate.ts';
import { type CampaignMemory, refusalFromMemory, takeReply } from './campaign-memory.ts';
import type { Campaigns } from './campaigns.ts';

export interface JoinsDeps {
  gate: Pick<Gate, 'admit'>;
  campaigns: Campaigns;
  clock: Clock;
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
  /** Joins waiting for the gate. */
  waitingCount: () => number;
}

interface Waiting extends Join {
  resolve: (decision: Decision) => void;
  reject: (error: unknown) => void;
}

interface Lane {
  memory: CampaignMemory;
  waiting: Waiting[];
  callCount: number;
  scheduled: boolean;
}

export function createJoins(deps: JoinsDeps): Joins {
  const lanes = new Map<string, Lane>();
  let waitingCount = 0;
  // Redis's clock minus ours, from its last answer; deadlines and phases are told in its time.
  let clockOffsetMs = 0;

  function schedule(lane: Lane): void {
    if (lane.scheduled || lane.callCount >= limits.gateCallsMax || lane.waiting.length === 0) return;
    lane.scheduled = true;
    setImmediate(() => {
      lane.scheduled = false;
      while (lane.waiting.length > 0 && lane.callCount < limits.gateCallsMax) {
        void decide(lane, lane.waiting.splice(0, limits.joinBatchMax));
      }
    });
  }

  async function decide(lane: Lane, batch: Waiting[]): Promise<void> {
    const { memory } = lane;
    lane.callCount += 1;
    try {
      const deadlineMs = deps.clock() + clockOffsetMs + limits.gateCallMs;
      const reply = await deps.gate.admit(memory.view, batch, deadlineMs);
      clockOffsetMs = reply.now - deps.clock();
      takeReply(memory, reply);
      for (const [index, waiting] of batch.entries()) {
        const decision = reply.decisions[index]!;
        if (decision.kind === 'admitted' || decision.kind === 'known') memory.admitted.add(waiting.tag);
        waiting.resolve(decision);
      }
    } catch (error) {
      if (isFault(error, 'stale-epoch')) await deps.campaigns.refresh(memory.view.id).catch(() => undefined);
      for (const waiting of batch) waiting.reject(error);
    } finally {
      lane.callCount -= 1;
      waitingCount -= batch.length;
      if (lane.waiting.length === 0 && lane.callCount === 0) lanes.delete(memory.view.id);
      schedule(lane);
    }
  }

  function ask(memory: CampaignMemory, join: Join): Promise<Decision> {
    if (waitingCount >= limits.joinsWaitingMax) {
      return Promise.reject(new Fault('overloaded', 'too many joins wait for the gate', { retryable: true }));
    }
    const { id } = memory.view;
    let lane = lanes.get(id);
    if (lane === undefined) {
      lane = { memory, waiting: [], callCount: 0, scheduled: false };
      lanes.set(id, lane);
    }
    lane.memory = memory;
    waitingCount += 1;
    const { promise, resolve, reject } = Promise.withResolvers<Decision>();
    lane.waiting.push({ tag: join.tag, user: join.user, trace: join.trace, resolve, reject });
    schedule(lane);
    return promise;
  }

  function decideOrAsk(memory: CampaignMemory, user: string, trace: string): JoinAnswer | Promise<JoinAnswer> {
    const tag = userTag(memory.view.id, user);
    const now = deps.clock();
    const refusal = refusalFromMemory(memory, tag, now, now + clockOffsetMs);
    if (refusal !== undefined) return { decision: refusal, memory, tag };
    return ask(memory, { tag, user, trace }).then((decision) => ({ decision, memory, tag }));
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
    waitingCount: () => waitingCount,
  };
}
