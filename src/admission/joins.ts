// Joins: those of one event-loop turn go to the gate together, because a call costs more than a decision.
import { type SpanClock, spanClock } from '../domain/clock.ts';
import type { Decision } from '../domain/decision.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { gateTime } from '../domain/gate-view.ts';
import { userTag } from '../domain/ids.ts';
import type { Gate, Join } from '../gate/port.ts';
import { limits } from '../process/limits.ts';
import type { ReplicaBarrier } from '../redis/replica-barrier.ts';
import { type CampaignMemory, refusalFromMemory, takeReply, takeSilence } from './campaign-memory.ts';
import type { Campaigns } from './campaigns.ts';

export interface JoinsDeps {
  gate: Pick<Gate, 'admit'>;
  campaigns: Campaigns;
  /** With it, who holds a ticket hears of it once a replica has it. */
  barrier?: Pick<ReplicaBarrier, 'begin'> | undefined;
  /** Must be that of the campaigns; another than the usual one in tests. */
  now?: SpanClock;
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
  /** Joins waiting for the gate. */
  waitingCount: () => number;
}

interface Waiting extends Join {
  resolve: (decision: Decision) => void;
  reject: (error: unknown) => void;
}

const isHeld = ({ kind }: Decision): boolean => kind === 'admitted' || kind === 'known';

interface Lane {
  memory: CampaignMemory;
  waiting: Waiting[];
  callCount: number;
  scheduled: boolean;
  /** When the gate last answered a call of it, or the first call of those under way was made. */
  heardAt: number;
}

/** Joins that one round of calls takes. */
const ROUND_MAX = limits.gateCallsMax * limits.joinBatchMax;
/** How far one call moves what is taken for the usual time of a call. */
const LEARNING = 0.2;
/** A call is the gate's slowness when it takes this many times what its answer then waits for the end of its turn. */
const OWN_SHARE_MAX = 8;
/** One for all: thousands are told so in an overload, and a stack trace costs more than the refusal. */
const OVERLOADED = new Fault('overloaded', 'too many joins wait for the gate', { retryable: true });

export function createJoins(deps: JoinsDeps): Joins {
  const { now = spanClock } = deps;
  const lanes = new Map<string, Lane>();
  let waitingCount = 0;
  // How long a gate call takes just now, and how much of that is our own: from an answer to the end of its turn.
  let callMs = 5;
  let turnMs = 0;

  function schedule(lane: Lane): void {
    if (lane.scheduled || lane.callCount >= limits.gateCallsMax || lane.waiting.length === 0) return;
    lane.scheduled = true;
    const scheduledAt = performance.now();
    setImmediate(() => {
      lane.scheduled = false;
      turnMs += (performance.now() - scheduledAt - turnMs) * LEARNING;
      while (lane.waiting.length > 0 && lane.callCount < limits.gateCallsMax) {
        void decide(lane, lane.waiting.splice(0, limits.joinBatchMax));
      }
    });
  }

  async function decide(lane: Lane, batch: Waiting[]): Promise<void> {
    const confirm = deps.barrier?.begin(lane.memory.view.id);
    try {
      const decisions = await askGate(lane, batch);
      const settle = (which: (decision: Decision) => boolean) => {
        for (const [index, { resolve }] of batch.entries()) if (which(decisions[index]!)) resolve(decisions[index]!);
      };
      if (confirm !== undefined && decisions.some(isHeld)) {
        settle((decision) => !isHeld(decision));
        await confirm();
      }
      settle(() => true);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      waitingCount -= batch.length;
    }
  }

  async function askGate(lane: Lane, batch: Waiting[]): Promise<Decision[]> {
    const { memory } = lane;
    const calledAt = performance.now();
    if (lane.callCount === 0) lane.heardAt = calledAt;
    lane.callCount += 1;
    try {
      const deadlineMs = Math.floor(gateTime(memory.view, now())) + limits.gateCallMs;
      const reply = await deps.gate.admit(memory.view, batch, deadlineMs);
      takeReply(memory, reply, now());
      callMs += (performance.now() - calledAt - callMs) * LEARNING;
      for (const [index, { tag }] of batch.entries()) if (isHeld(reply.decisions[index]!)) memory.admitted.add(tag);
      return reply.decisions;
    } catch (error) {
      // Redis is away, or the gate is gone, shut or another one: what is remembered of it refuses nobody meanwhile.
      takeSilence(memory);
      if (isFault(error, 'stale-epoch')) await deps.campaigns.refresh(memory.view.id).catch(() => undefined);
      // Whoever waits behind this call would meet the same, a call's patience later, and keep others out meanwhile.
      if (isFault(error, 'redis-unavailable')) turnAway(lane, error);
      throw error;
    } finally {
      lane.callCount -= 1;
      lane.heardAt = performance.now();
      if (lane.waiting.length === 0 && lane.callCount === 0) lanes.delete(memory.view.id);
      schedule(lane);
    }
  }

  function turnAway(lane: Lane, fault: Fault): void {
    waitingCount -= lane.waiting.length;
    for (const { reject } of lane.waiting.splice(0)) reject(fault);
  }

  /**
   * One round of calls may always wait; more, as far as the rounds before it fit into the wait (Little's law). Only the
   * gate's slowness counts. Where this process is what is slow, a refusal costs it nearly as much as an admission, and
   * who is refused comes back at once: refusing halved what was admitted, and worse.
   */
  function isFull(lane: Lane | undefined): boolean {
    if (waitingCount >= limits.joinsWaitingMax) return true;
    if (lane === undefined || lane.waiting.length < ROUND_MAX) return false;
    // A call that is not answered tells nothing of its time but that it is longer than this.
    const silentMs = lane.callCount > 0 ? performance.now() - lane.heardAt : 0;
    const gateMs = Math.max(callMs, silentMs);
    return gateMs > OWN_SHARE_MAX * turnMs && lane.waiting.length * gateMs >= ROUND_MAX * limits.joinWaitMs;
  }

  function ask(memory: CampaignMemory, join: Join): Promise<Decision> {
    const { id } = memory.view;
    let lane = lanes.get(id);
    if (isFull(lane)) return Promise.reject(OVERLOADED);
    if (lane === undefined) {
      lane = { memory, waiting: [], callCount: 0, scheduled: false, heardAt: 0 };
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
    const refusal = refusalFromMemory(memory, tag, now());
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
    isFull: (campaign) => isFull(lanes.get(campaign)),
    waitingCount: () => waitingCount,
  };
}
