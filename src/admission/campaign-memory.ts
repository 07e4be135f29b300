// What a front remembers of one campaign, and the refusals it can give from that alone.
import { type Phase, phaseOf } from '../domain/campaign.ts';
import type { Decision } from '../domain/decision.ts';
import { createDrainRate, type DrainRate } from '../domain/drain-rate.ts';
import { backlogOf, type GateView, gateTime, gateTimeErrorMs } from '../domain/gate-view.ts';
import { limits } from '../process/limits.ts';
import { type AdmittedFilter, createAdmittedFilter } from './admitted-filter.ts';

export interface CampaignMemory {
  view: GateView;
  drain: DrainRate;
  admitted: AdmittedFilter;
  /** `admitted` holds everybody up to this seq; -1 before it was ever completed. */
  completeSeq: number;
  /** Grows whenever what was complete is complete no more: a rebuilt gate, or one that lost its tail, may give the same seq to others. */
  lossCount: number;
  /** The gate answered when it was last asked. */
  isAnswering: boolean;
  /** The ledger has this version: what an older one says refuses nobody. */
  versionMin: number;
  /** By the span clock, until when the token bucket is known to be empty. */
  throttledUntil: number;
  /** By the span clock, when the last reply came whose counters were taken over. */
  repliedAt: number;
  /** Tags of tickets that were cancelled: what was once known of them is not answered from memory. */
  cancelled: Set<string>;
  /** How many cancellations of the gate `cancelled` knows of, and in which epoch: a rebuilt gate counts from 0 again. */
  cancelledCount: number;
  cancelledEpoch: number;
  /** Whether its gate had changed when it was last read. */
  isMoving: boolean;
  /** By the span clock, when somebody last asked for this campaign, and when somebody was last seen to wait. */
  askedAt: number;
  watchedAt: number;
}

export function createCampaignMemory(view: GateView, now: number): CampaignMemory {
  const admitted = createAdmittedFilter(view.stock);
  const times = { throttledUntil: 0, repliedAt: 0, askedAt: now, watchedAt: now };
  const cancelled = { cancelled: new Set<string>(), cancelledCount: 0, cancelledEpoch: view.epoch };
  const trust = { completeSeq: -1, lossCount: 0, isAnswering: true, versionMin: 0, isMoving: false };
  const memory = { view, drain: createDrainRate(), admitted, ...trust, ...cancelled, ...times };
  memory.drain.record(view.settledCount, backlogOf(view), now);
  return memory;
}

/** Takes over a newer reading; the view itself where nothing has changed. One that left Redis before a decision we already know keeps that decision's counters. */
export function takeReading(memory: CampaignMemory, view: GateView): void {
  const { seq, remaining, epoch } = memory.view;
  const isBehind = view.epoch === epoch && view.seq < seq;
  const isOvertaken = isBehind && view.readAt - memory.repliedAt <= limits.gateCallMs;
  // Behind for longer than a question takes: Redis has lost its tail, and what it gives out anew goes to others.
  if (view.epoch !== epoch || (isBehind && !isOvertaken)) {
    memory.completeSeq = -1;
    memory.lossCount += 1;
  }
  memory.isAnswering = true;
  memory.isMoving = hasMoved(memory.view, view);
  if (view !== memory.view) {
    memory.admitted.grow(view.stock);
    memory.view = isOvertaken ? { ...view, seq, remaining } : view;
  }
  memory.drain.record(view.settledCount, backlogOf(memory.view), view.readAt);
}

const hasMoved = (before: GateView, after: GateView): boolean =>
  before !== after &&
  (before.seq !== after.seq ||
    before.settledCount !== after.settledCount ||
    before.retryingCount !== after.retryingCount ||
    before.cancelledCount !== after.cancelledCount ||
    before.version !== after.version ||
    before.epoch !== after.epoch);

/** Notes that the gate did not answer, or is gone: until it is read again nobody is refused without a question. */
export function takeSilence(memory: CampaignMemory): void {
  memory.isAnswering = false;
}

/**
 * Makes the filter complete: `readTags` gives everybody the gate admitted, `readAgain` reads the gate once more and takes
 * the reading over. A gate that was rebuilt between the two gave the tags of nobody, and its epoch then says so.
 */
export async function completeMemory(
  memory: CampaignMemory,
  readTags: () => AsyncIterable<readonly string[]>,
  readAgain: () => Promise<boolean>,
): Promise<void> {
  const { lossCount } = memory;
  const { seq } = memory.view;
  for await (const tags of readTags()) for (const tag of tags) memory.admitted.add(tag);
  if ((await readAgain()) && memory.lossCount === lossCount) memory.completeSeq = seq;
}

/** Whether the gate counts no cancellation that is not known here. */
export const knowsCancelled = ({ view, cancelledCount, cancelledEpoch }: CampaignMemory): boolean =>
  view.epoch === cancelledEpoch && view.cancelledCount === cancelledCount;

/** Takes over who gave back. One forgotten for the sake of the bound is told by the watermark later on. */
export function takeCancelled(
  memory: CampaignMemory,
  tags: readonly string[],
  { epoch, cancelledCount }: Pick<GateView, 'epoch' | 'cancelledCount'>,
): void {
  for (const tag of tags) memory.cancelled.add(tag);
  for (const tag of memory.cancelled) {
    if (memory.cancelled.size <= limits.cancelledTagsMax) break;
    memory.cancelled.delete(tag);
  }
  memory.cancelledCount = cancelledCount;
  memory.cancelledEpoch = epoch;
}

/** Takes over what a gate call told on the side, `now` by the span clock. */
export function takeReply(
  memory: CampaignMemory,
  reply: { seq: number; remaining: number; waitMs: number },
  now: number,
): void {
  if (reply.seq >= memory.view.seq) {
    memory.view.seq = reply.seq;
    memory.view.remaining = reply.remaining;
    memory.repliedAt = now;
  }
  if (reply.waitMs > 0) memory.throttledUntil = now + reply.waitMs;
}

export const isFresh = (memory: CampaignMemory, now: number): boolean => ageMs(memory, now) <= limits.viewStaleMs;

const ageMs = ({ view }: CampaignMemory, now: number): number => now - view.readAt;

/** Whether a no may rest on the memory: a fresh reading of a gate that answers, and that knows what the ledger was told here. */
export const isCurrent = (memory: CampaignMemory, now: number): boolean =>
  memory.isAnswering && memory.view.version >= memory.versionMin && ageMs(memory, now) <= limits.viewRefusalMs;

/**
 * The phase at `now`, by the clock of the gate's server; undefined this close to an opening or an end, where what is known
 * of that clock is not exact enough to tell.
 */
function certainPhase({ view }: CampaignMemory, now: number): Phase | undefined {
  const errorMs = gateTimeErrorMs(view, now, limits.clockDriftShare);
  const at = gateTime(view, now);
  const phase = phaseOf(view, view.remaining, at - errorMs);
  return phase === phaseOf(view, view.remaining, at + errorMs) ? phase : undefined;
}

/**
 * The refusal that a join of `tag` gets without a question, or undefined when the gate must be asked: because it may be
 * a yes, because the memory is stale, or because this user may hold a ticket already. `now` is the span clock; sales open
 * and close by the clock of Redis, which every reading measures.
 */
export function refusalFromMemory(memory: CampaignMemory, tag: string, now: number): Decision | undefined {
  if (!isCurrent(memory, now)) return undefined;
  const { view } = memory;
  const phase = certainPhase(memory, now);
  if (phase === undefined) return undefined;
  if (phase === 'open') {
    // Somebody admitted by another front may be told to wait here, briefly; whoever this front admitted is not.
    const throttled = view.ratePerSecond > 0 && now < memory.throttledUntil && !memory.admitted.mayHave(tag);
    return throttled ? { kind: 'throttled', waitMs: memory.throttledUntil - now } : undefined;
  }
  if (!isComplete(memory) || (view.seq > 0 && memory.admitted.mayHave(tag))) return undefined;
  if (phase === 'scheduled') return { kind: 'not-open', opensAt: view.opensAt ?? 0 };
  return { kind: phase };
}

/** Whether `admitted` holds everybody who was admitted so far. */
export const isComplete = (memory: CampaignMemory): boolean =>
  memory.view.seq === 0 || memory.completeSeq === memory.view.seq;
