// Gates that are closed until a worker has compared them with the ledger. A front notes each that somebody asks for, so
// that workers recover it first, and lets a bounded number of joins wait for that.
import { isFault } from '../domain/fault.ts';
import type { AskedGates, Gate } from '../gate/port.ts';
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import type { CampaignMemory } from './campaign-memory.ts';

/** A campaign that is asked for again and again is noted this often. */
const NOTE_AGAIN_MS = 500;
/** Campaigns that are remembered to be closed. */
const CLOSED_MAX = 1_000;
/** Joins of a closed gate wait this long for a worker, as many as this over all campaigns: 1 kB each with their request. */
const WAIT_MS = 900;
const WAITING_MAX = 1_000;
/** The joins of a gate that has been closed for longer are refused at once: a gate that is whole is open by then. */
const LATE_MS = 5_000;

export interface ClosedGatesDeps {
  note: AskedGates['note'];
  onError: (error: unknown) => void;
  /** For tests whose worker may be slow. */
  waitMs?: number;
}

export interface ClosedGates {
  /** Hears that somebody asked for a campaign whose gate is closed. */
  note: (id: string) => void;
  /** The same gate; what it answers while it is closed is noted. */
  noting(gate: Gate): Gate;
  /**
   * Resolves when `count` joins that met the closed gate may ask once more: as soon as the gate is seen to be open, or
   * after a second. Undefined when they are to be refused at once: too many wait, or the gate has been closed for long.
   */
  wait(memory: CampaignMemory, count: number): Promise<void> | undefined;
  /** Hears that a gate has answered. */
  answered(id: string): void;
}

/** Whether a gate said that it is closed, or is not there. */
export const isClosed = (error: unknown): boolean =>
  isFault(error, 'gate-unverified') || isFault(error, 'gate-missing');

interface Closed {
  since: number;
  epoch: number;
  waiting: Promise<void> | undefined;
}

export function createClosedGates({ note, onError, waitMs = WAIT_MS }: ClosedGatesDeps): ClosedGates {
  const closed = new Map<string, Closed>();
  const notedAt = new Map<string, number>();
  let untold: string[] = [];
  let waitingCount = 0;

  async function tell(): Promise<void> {
    // All that is met within one turn of the event loop goes in one command.
    await pause(0);
    const told = untold;
    untold = [];
    await note(told).catch(onError);
  }

  async function untilOpen(memory: CampaignMemory, epoch: number): Promise<void> {
    const until = performance.now() + waitMs;
    while (performance.now() < until && memory.view.epoch === epoch) await pause(limits.viewReadMs);
  }

  const gates: ClosedGates = {
    note(id) {
      const now = performance.now();
      if (now - (notedAt.get(id) ?? Number.NEGATIVE_INFINITY) < NOTE_AGAIN_MS) return;
      if (notedAt.size >= CLOSED_MAX) notedAt.clear();
      notedAt.set(id, now);
      untold.push(id);
      if (untold.length === 1) void tell();
    },
    noting: (gate) => {
      const noted = <T>(id: string, answer: Promise<T>): Promise<T> =>
        answer.catch((error: unknown) => {
          if (isClosed(error)) gates.note(id);
          throw error;
        });
      return {
        ...gate,
        admit: (shape, joins, deadlineMs) => noted(shape.id, gate.admit(shape, joins, deadlineMs)),
        outcome: (shape, tag) => noted(shape.id, gate.outcome(shape, tag)),
        readmit: (shape, user, ticket, trace) => noted(shape.id, gate.readmit(shape, user, ticket, trace)),
      };
    },
    wait(memory, count) {
      const { id, epoch } = memory.view;
      const now = performance.now();
      let it = closed.get(id);
      if (it === undefined || it.epoch !== epoch || now - it.since > limits.viewIdleMs) {
        if (closed.size >= CLOSED_MAX) closed.clear();
        it = { since: now, epoch, waiting: undefined };
        closed.set(id, it);
      }
      const isLate = now - it.since > LATE_MS;
      if (isLate || waitingCount + count > WAITING_MAX) return undefined;
      const { since } = it;
      it.waiting ??= untilOpen(memory, epoch).finally(() => {
        const same = closed.get(id);
        if (same?.since === since) same.waiting = undefined;
      });
      waitingCount += count;
      return it.waiting.finally(() => {
        waitingCount -= count;
      });
    },
    answered: (id) => void closed.delete(id),
  };
  return gates;
}
