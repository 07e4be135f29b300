// The gates that are to be recovered by this worker: those that somebody asks for first, then those of open sales, then the
// rest; a bounded number at a time. Whatever two workers do, the lease, the epoch and the server's run decide.

import type { Campaign, StoredCampaign } from '../src/domain/campaign.ts';
import { hasGate } from '../src/domain/campaign-life.ts';
import type { GateState } from '../src/gate/states-port.ts';
import { backoffMs } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';
import { createProgress, type RecoveryProgress } from '../src/recovery/progress.ts';
import type { Recovery } from '../src/recovery/recover.ts';

export interface RecoveryQueueDeps {
  find: (campaign: string) => Promise<StoredCampaign | undefined>;
  stateOf: (campaign: Pick<Campaign, 'id' | 'epoch' | 'shards'>) => Promise<GateState>;
  /** Whether the gate of a campaign is still closed that a look at many found closed; questions of one moment are one read. */
  isStillClosed: (campaign: string) => Promise<boolean>;
  /** Undefined when somebody else does it, or when it must not be done now. */
  recover: (campaign: string) => Promise<Recovery | undefined>;
  /** `isOneOfMany` when the progress of all is told, too. */
  onRecovered: (campaign: string, recovery: Recovery, isOneOfMany: boolean) => void;
  /** Once for each time that a closed gate is found on a server without the replicas it must have. */
  onAlone: (campaign: string) => void;
  onProgress: (progress: RecoveryProgress) => void;
  onError: (error: unknown) => void;
}

/** A gate that seems closed. */
export interface ClosedGate {
  campaign: StoredCampaign;
  /** Of a look that was made just now; 'closed' of a look at many, which does not say why. */
  state?: GateState | 'closed';
}

const URGENCIES = ['asked', 'open', 'rest'] as const;
export type Urgency = (typeof URGENCIES)[number];

interface WaitingGate extends ClosedGate {
  /** Its place among the urgencies. */
  urgency: number;
  /** Recoveries that came to nothing so far. */
  triedCount: number;
}

interface Resting {
  waiting: WaitingGate;
  until: number;
}

/** A gate that another worker recovers is looked at again after at most this long. */
const REST_MAX_MS = 1_000;
/** Of one that still is another worker's after so many looks nothing is remembered: the next look at all gates finds it. */
const TRIES_MAX = 20;
const LARGE_MAX = 4;

const isLarge = ({ campaign }: WaitingGate): boolean => campaign.stock > limits.recoverySmallStockMax;

export class RecoveryQueue {
  private readonly deps: RecoveryQueueDeps;
  private readonly stopping: AbortSignal;
  /** By urgency, small campaigns before large ones. */
  private readonly lines = URGENCIES.map(
    () => [new Map<string, WaitingGate>(), new Map<string, WaitingGate>()] as const,
  );
  private readonly underWay = new Map<string, Promise<void>>();
  private readonly resting = new Map<string, Resting>();
  private readonly alone = new Set<string>();
  private readonly progress;
  private largeCount = 0;

  constructor(deps: RecoveryQueueDeps, stopping: AbortSignal) {
    this.deps = deps;
    this.stopping = stopping;
    this.progress = createProgress(deps.onProgress);
  }

  /** Takes gates up, unless they are there already; what is more urgent now moves ahead. */
  add(gates: readonly ClosedGate[], urgencyOf: (campaign: StoredCampaign) => Urgency): void {
    for (const gate of gates) {
      const { id } = gate.campaign;
      if (this.underWay.has(id) || this.resting.has(id)) continue;
      const waiting: WaitingGate = { ...gate, urgency: URGENCIES.indexOf(urgencyOf(gate.campaign)), triedCount: 0 };
      const before = this.lines.findIndex((line) => line.some((its) => its.delete(id)));
      if (before < 0) this.progress.found();
      else waiting.urgency = Math.min(waiting.urgency, before);
      this.wait(waiting);
    }
    this.start();
  }

  /** Whether a gate is there, whatever it waits for. */
  has(id: string): boolean {
    return this.underWay.has(id) || this.resting.has(id) || this.lines.some((line) => line.some((its) => its.has(id)));
  }

  isWaiting(): boolean {
    return this.lines.some((line) => line.some(({ size }) => size > 0));
  }

  /** Whether nothing is under way; what rests may be left. */
  isQuiet(): boolean {
    return this.underWay.size === 0 && !this.isWaiting();
  }

  /** Whether nothing is left. */
  isIdle(): boolean {
    return this.isQuiet() && this.resting.size === 0;
  }

  /** Takes up what has rested for long enough, and tells how far all is. */
  goOn(): void {
    const now = performance.now();
    for (const [id, { waiting, until }] of this.resting) {
      if (until > now) continue;
      this.resting.delete(id);
      this.wait(waiting);
    }
    this.start();
    this.progress.tell();
  }

  /** Resolves when nothing is under way any more. */
  async ended(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay.values());
  }

  private wait(waiting: WaitingGate): void {
    this.lines[waiting.urgency]![isLarge(waiting) ? 1 : 0].set(waiting.campaign.id, waiting);
  }

  private next(): WaitingGate | undefined {
    for (const [small, large] of this.lines) {
      for (const its of this.largeCount < LARGE_MAX ? [small, large] : [small]) {
        const [first] = its.values();
        if (first === undefined) continue;
        its.delete(first.campaign.id);
        return first;
      }
    }
    return undefined;
  }

  private start(): void {
    while (!this.stopping.aborted && this.underWay.size < limits.recoveriesMax) {
      const waiting = this.next();
      if (waiting === undefined) break;
      const { id } = waiting.campaign;
      const large = isLarge(waiting) ? 1 : 0;
      this.largeCount += large;
      const done = this.recover(waiting).finally(() => {
        this.underWay.delete(id);
        this.largeCount -= large;
        this.start();
        if (this.underWay.size === 0) this.progress.pause(this.resting.size);
      });
      this.underWay.set(id, done);
    }
  }

  private async recover(waiting: WaitingGate): Promise<void> {
    const { deps, progress } = this;
    const { id } = waiting.campaign;
    try {
      const state = await this.stateOf(waiting);
      const mayRecover = state !== 'verified' && state !== 'alone';
      const recovery = mayRecover ? await deps.recover(id) : undefined;
      if (recovery !== undefined) deps.onRecovered(id, recovery, progress.isOfMany());
      if (recovery !== undefined || state === 'verified') progress.opened(recovery?.rebuilt === true);
      else this.rest(waiting, state === 'alone' ? limits.backoffMaxMs : REST_MAX_MS);
    } catch (error) {
      // Each attempt may begin an epoch, so the next one waits, longer each time.
      this.rest(waiting, limits.recoveryBackoffMaxMs);
      deps.onError(error);
    }
  }

  /** A campaign that has no gate any more has none that is closed. */
  private async stateOf({ campaign: { id }, ...waiting }: WaitingGate): Promise<GateState | 'closed'> {
    // Another worker has opened it, or this worker looks at it under its lease.
    if (waiting.state === 'closed') return (await this.deps.isStillClosed(id)) ? 'closed' : 'verified';
    const campaign = waiting.state === undefined ? await this.deps.find(id) : undefined;
    const found = campaign && hasGate(campaign) ? await this.deps.stateOf(campaign) : 'verified';
    const state = waiting.state ?? found;
    if (state !== 'alone') this.alone.delete(id);
    else if (!this.alone.has(id)) {
      this.alone.add(id);
      this.deps.onAlone(id);
    }
    return state;
  }

  private rest({ campaign, urgency, triedCount }: WaitingGate, maxMs: number): void {
    if (triedCount >= TRIES_MAX && maxMs === REST_MAX_MS) return;
    const until = performance.now() + backoffMs(triedCount + 1, limits.backoffMinMs, maxMs);
    this.resting.set(campaign.id, { waiting: { campaign, urgency, triedCount: triedCount + 1 }, until });
  }
}
