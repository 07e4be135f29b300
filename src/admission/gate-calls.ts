// Calls to the gate: the joins of one event-loop turn go together, because a call costs more than a decision.
import { type SpanClock, spanClock } from '../domain/clock.ts';
import type { Decision } from '../domain/decision.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { gateTime } from '../domain/gate-view.ts';
import type { Gate, Join } from '../gate/port.ts';
import { limits } from '../process/limits.ts';
import type { ReplicaBarrier } from '../redis/replica-barrier.ts';
import { createGateTraces, type GateTraces } from '../telemetry/gate-trace.ts';
import { type CampaignMemory, takeReply, takeSilence } from './campaign-memory.ts';
import type { Campaigns } from './campaigns.ts';
import { type ClosedGates, isClosed } from './closed-gates.ts';

export interface GateCallsDeps {
  gate: Pick<Gate, 'admit'>;
  campaigns: Pick<Campaigns, 'refresh'>;
  /** With it, joins that meet a closed gate wait for it briefly. */
  closed?: Pick<ClosedGates, 'wait' | 'answered'> | undefined;
  /** With it, who holds a ticket hears of it once a replica has it. */
  barrier?: Pick<ReplicaBarrier, 'begin'> | undefined;
  /** Must be that of the campaigns; another than the usual one in tests. */
  now?: SpanClock | undefined;
}

export interface GateCalls {
  /** What the gate decides; rejects with a Fault when the answer is unknown, or too many wait already. */
  ask: (memory: CampaignMemory, join: Join) => Promise<Decision>;
  /** Whether a join of this campaign would wait too long for its call; `ask` refuses it then. */
  isFull: (campaign: string) => boolean;
  /** Joins waiting for the gate. */
  waitingCount: () => number;
}

interface WaitingJoin extends Join {
  /** It has met the gate closed before. */
  isAgain: boolean;
  resolve: (decision: Decision) => void;
  reject: (error: unknown) => void;
}

/** The joins of one campaign that wait for its gate, and how it answers. */
interface Lane {
  memory: CampaignMemory;
  waiting: WaitingJoin[];
  callCount: number;
  scheduled: boolean;
  /** When the gate last answered a call of it, or the first call of those under way was made. */
  heardAt: number;
}

interface State {
  deps: GateCallsDeps;
  lanes: Map<string, Lane>;
  traces: GateTraces;
  waitingCount: number;
  /** How long a gate call takes just now, ms. */
  callMs: number;
  /** How much of that is our own, ms: from an answer to the end of its turn. */
  turnMs: number;
}

/** Joins that one round of calls takes. */
const ROUND_MAX = limits.gateCallsMax * limits.joinBatchMax;
/** EWMA weight of the newest call time. */
const LEARNING = 0.2;
/** A call is the gate's slowness when it takes this many times what its answer then waits for the end of its turn. */
const OWN_SHARE_MAX = 8;
/** One for all: thousands are told so in an overload, and a stack trace costs more than the refusal. */
const OVERLOADED = new Fault('overloaded', 'too many joins are waiting for the gate', { retryable: true });

export function createGateCalls(deps: GateCallsDeps): GateCalls {
  const state: State = { deps, lanes: new Map(), traces: createGateTraces(), waitingCount: 0, callMs: 5, turnMs: 0 };
  return {
    ask: (memory, join) => ask(state, memory, join),
    isFull: (campaign) => isFull(state, state.lanes.get(campaign)),
    waitingCount: () => state.waitingCount,
  };
}

function ask(state: State, memory: CampaignMemory, join: Join): Promise<Decision> {
  if (isFull(state, state.lanes.get(memory.view.id))) return Promise.reject(OVERLOADED);
  const { promise, resolve, reject } = Promise.withResolvers<Decision>();
  enqueue(state, memory, { tag: join.tag, user: join.user, trace: join.trace, isAgain: false, resolve, reject });
  return promise;
}

function enqueue(state: State, memory: CampaignMemory, waiting: WaitingJoin): void {
  const { id } = memory.view;
  let lane = state.lanes.get(id);
  if (lane === undefined) {
    lane = { memory, waiting: [], callCount: 0, scheduled: false, heardAt: 0 };
    state.lanes.set(id, lane);
  }
  lane.memory = memory;
  state.waitingCount += 1;
  lane.waiting.push(waiting);
  schedule(state, lane);
}

/**
 * One round of calls may always wait; more, as far as the rounds before it fit into the wait (Little's law). Only the
 * gate's slowness counts. Where this process is what is slow, a refusal costs it nearly as much as an admission, and
 * who is refused comes back at once: refusing halved what was admitted, and worse.
 */
function isFull(state: State, lane: Lane | undefined): boolean {
  if (state.waitingCount >= limits.joinsWaitingMax) return true;
  if (lane === undefined || lane.waiting.length < ROUND_MAX) return false;
  // A call that is not answered tells nothing of its time but that it is longer than this.
  const silentMs = lane.callCount > 0 ? performance.now() - lane.heardAt : 0;
  const gateMs = Math.max(state.callMs, silentMs);
  return gateMs > OWN_SHARE_MAX * state.turnMs && lane.waiting.length * gateMs >= ROUND_MAX * limits.joinWaitMs;
}

function schedule(state: State, lane: Lane): void {
  if (lane.scheduled || lane.callCount >= limits.gateCallsMax || lane.waiting.length === 0) return;
  lane.scheduled = true;
  const scheduledAt = performance.now();
  setImmediate(() => {
    lane.scheduled = false;
    state.turnMs += (performance.now() - scheduledAt - state.turnMs) * LEARNING;
    while (lane.waiting.length > 0 && lane.callCount < limits.gateCallsMax) {
      void decide(state, lane, lane.waiting.splice(0, limits.joinBatchMax));
    }
  });
}

const isHeld = ({ kind }: Decision): boolean => kind === 'admitted' || kind === 'known';

/** Settles every join of the batch: what holds a ticket once a replica confirmed it, the rest at once. */
async function decide(state: State, lane: Lane, batch: WaitingJoin[]): Promise<void> {
  const confirm = state.deps.barrier?.begin(lane.memory.view.id);
  try {
    const decisions = await askGate(state, lane, batch);
    const settle = (which: (decision: Decision) => boolean) => {
      for (const [index, { resolve }] of batch.entries()) if (which(decisions[index]!)) resolve(decisions[index]!);
    };
    if (confirm !== undefined && decisions.some(isHeld)) {
      settle((decision) => !isHeld(decision));
      await confirm();
    }
    settle(() => true);
  } catch (error) {
    const fresh = isClosed(error) ? batch.filter(({ isAgain }) => !isAgain) : [];
    const later = askLater(state, lane.memory, fresh) ? new Set(fresh) : undefined;
    for (const waiting of batch) if (later?.has(waiting) !== true) waiting.reject(error);
  } finally {
    state.waitingCount -= batch.length;
  }
}

/** Joins that met a closed gate ask once more when it is open, or soon; false where they are to be refused now. */
function askLater(state: State, memory: CampaignMemory, joins: readonly WaitingJoin[]): boolean {
  const open = joins.length === 0 ? undefined : state.deps.closed?.wait(memory, joins.length);
  void open?.then(() => {
    for (const join of joins) enqueue(state, memory, { ...join, isAgain: true });
  });
  return open !== undefined;
}

async function askGate(state: State, lane: Lane, batch: WaitingJoin[]): Promise<Decision[]> {
  const { gate, campaigns, now = spanClock } = state.deps;
  const { memory } = lane;
  const { view } = memory;
  const calledAt = performance.now();
  const called = { startedAt: calledAt, size: batch.length };
  const trace = state.traces.begin(view, batch);
  if (lane.callCount === 0) lane.heardAt = calledAt;
  lane.callCount += 1;
  try {
    const deadlineMs = Math.floor(gateTime(view, now())) + limits.gateCallMs;
    const reply = await gate.admit(view, trace?.joins ?? batch, deadlineMs);
    state.traces.end(trace, view, { ...called, decisions: reply.decisions });
    takeReply(memory, reply, now());
    state.deps.closed?.answered(memory.view.id);
    state.callMs += (performance.now() - calledAt - state.callMs) * LEARNING;
    for (const [index, { tag }] of batch.entries()) if (isHeld(reply.decisions[index]!)) memory.admitted.add(tag);
    return reply.decisions;
  } catch (error) {
    state.traces.end(trace, view, { ...called, error });
    // Redis is away, or the gate is gone, shut or another one: what is remembered of it refuses nobody meanwhile.
    takeSilence(memory);
    if (isFault(error, 'stale-epoch')) await campaigns.refresh(memory.view.id).catch(() => undefined);
    // Whoever waits behind this call would meet the same, a call's patience later, and keep others out meanwhile.
    if (isFault(error, 'redis-unavailable')) turnAway(state, lane, error);
    throw error;
  } finally {
    lane.callCount -= 1;
    lane.heardAt = performance.now();
    if (lane.waiting.length === 0 && lane.callCount === 0) state.lanes.delete(memory.view.id);
    schedule(state, lane);
  }
}

function turnAway(state: State, lane: Lane, fault: Fault): void {
  state.waitingCount -= lane.waiting.length;
  for (const { reject } of lane.waiting.splice(0)) reject(fault);
}
