// Carries tickets from the gates' streams to another broker, where one is chosen. One worker at a time does, by a lease.
//
// Order of effects, and what a crash between two of them does:
//   read from the stream → in the topic   crash: pending, and behind the mark: the next relay reads it again
//   in the topic → mark                   crash: carried again, at most what `relayNoteMs` brought; workers find it settled or taken
//   mark → lease taken by another         the next relay begins behind the mark
//
// The streams are the outbox: an entry stays pending, in the hands of the relay, until its gate settles it.
import type { SendBlocks } from '../src/broker/kafka/record.ts';
import type { Batch, TicketSource } from '../src/broker/port.ts';
import { backoffMs, pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';
import { inSendSpan } from '../src/telemetry/relay-trace.ts';
import { type LeasedDeps, whileLeased } from './leased.ts';

export interface RelayDeps extends LeasedDeps {
  send: SendBlocks;
  /** Notes that all entries of the batch's shard up to its last one have been carried. */
  noteCarried: (batch: Batch) => Promise<void>;
  /** Takes what is in the topic now. */
  onCarried: (batches: readonly Batch[]) => void;
  /** Of the relay's own consumer: what it has released as settled it does not receive again. */
  openSource: () => TicketSource;
  /** Looks once for entries that wait although workers are past them, and carries them again. */
  lookForLost: () => Promise<void>;
  /** How often it looks. */
  lookForLostMs: number;
  /** Looks once how far the workers are behind the topic. */
  lookAtLag: () => Promise<void>;
}

export const relayTickets = (deps: RelayDeps, stopping: AbortSignal): Promise<void> =>
  whileLeased(deps, (ending) => relayUntil(deps, ending), stopping);

async function relayUntil(deps: RelayDeps, ending: AbortSignal): Promise<void> {
  const { lookForLost, lookForLostMs, lookAtLag } = deps;
  const source = deps.openSource();
  const marks = createMarks(deps);
  try {
    await Promise.all([
      carryOn(deps, source, marks, ending),
      keepDoing(lookForLost, lookForLostMs, deps, ending),
      keepDoing(lookAtLag, limits.relayLagMs, deps, ending),
      keepDoing(marks.write, limits.relayNoteMs, deps, ending),
    ]);
  } finally {
    await marks.write().catch(deps.onError);
    // What it had read and not carried is pending behind the marks.
    await source.close();
  }
}

async function keepDoing(
  work: () => Promise<void>,
  everyMs: number,
  { onError }: RelayDeps,
  ending: AbortSignal,
): Promise<void> {
  while (!ending.aborted) {
    await work().catch(onError);
    await pause(everyMs, ending);
  }
}

interface Marks {
  /** The batch is in the topic. */
  carried: (batch: Batch) => void;
  /** Writes how far each shard is that was carried since. */
  write: () => Promise<void>;
}

function createMarks({ noteCarried, onError }: Pick<RelayDeps, 'noteCarried' | 'onError'>): Marks {
  const latest = new Map<string, Batch>();
  return {
    carried: (batch) => void latest.set(`${batch.campaign}/${batch.shard}`, batch),
    async write() {
      const batches = [...latest.values()];
      latest.clear();
      // A mark that is missing makes the next relay carry more again, and a gate of a later epoch takes none.
      await Promise.all(batches.map((batch) => noteCarried(batch).catch(onError)));
    },
  };
}

async function carryOn(deps: RelayDeps, source: TicketSource, marks: Marks, ending: AbortSignal): Promise<void> {
  const { send, onCarried, onError } = deps;
  let lastReadAt = performance.now();
  for (let failureCount = 0; !ending.aborted; ) {
    const batches = await source.receive(limits.receiveMs);
    if (batches.length === 0) continue;
    const readAt = performance.now();
    const paceMs = relayPaceMs(countOf(batches), readAt - lastReadAt);
    lastReadAt = readAt;
    try {
      await inSendSpan(batches, () => send(batches));
      failureCount = 0;
    } catch (error) {
      onError(error);
      await pause(backoffMs(failureCount++, limits.backoffMinMs, limits.backoffMaxMs), ending);
      // What part of it is in the topic is not known: all of it is carried again.
      for (const batch of batches) source.release(batch, 'unsettled');
      continue;
    }
    onCarried(batches);
    for (const batch of batches) {
      marks.carried(batch);
      source.release(batch, 'settled');
    }
    // A shard that had a full batch has more, probably.
    const isBehind = batches.some(({ entries }) => entries.length >= limits.workBatchMax);
    if (!isBehind) await pause(Math.max(0, readAt + paceMs - performance.now()), ending);
  }
}

/**
 * How long after one reading the relay makes the next, ms: the longer, the faster entries come. A round costs relay, broker and
 * workers the same whether it carries ten entries or hundreds; at a high rate its wait is short beside that for the ledger.
 */
export function relayPaceMs(entryCount: number, sinceLastMs: number): number {
  const perSecond = (entryCount / Math.max(1, sinceLastMs)) * 1_000;
  const { relayPaceMinMs, relayPaceMaxMs, relayPacePerSecond } = limits;
  return Math.min(relayPaceMaxMs, Math.max(relayPaceMinMs, perSecond / relayPacePerSecond));
}

const countOf = (batches: readonly Batch[]): number =>
  batches.reduce((count, { entries }) => count + entries.length, 0);
