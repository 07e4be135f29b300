// Opens a gate that Redis may have forgotten: after a restart, a failover, a flush, or an old snapshot put back.
//
// Order of effects, and what a crash between two of them does:
//   lease                        nothing; it ends by itself
//   epoch + 1 in the ledger      the gate is of another epoch than the ledger says, so it is rebuilt by the next worker
//   gate found whole → promoted  open: nothing else was to be done
//   else closed and emptied      closed (run id empty); the next worker begins again under the epoch after
//   users, free units added      the same
//   opened                       open; what survived in the streams is delivered again, and the ledger refuses doubles
//   opening noted                the book of epochs lacks a few counts

import type { StoredCampaign } from '../domain/campaign.ts';
import { readEntry } from '../domain/entry-ticket.ts';
import { EPOCH_MAX, type EpochStart } from '../domain/epochs.ts';
import { Fault } from '../domain/fault.ts';
import { backlogOf, type GateView } from '../domain/gate-view.ts';
import { userTag } from '../domain/ids.ts';
import type { RetryJob } from '../domain/retry-job.ts';
import { entryIdOf, shardOf } from '../domain/shard.ts';
import type { CancelledHolder, EpochOpening, EpochReason, Holder, KeptHolder, LedgerFacts } from '../ledger/epochs.ts';
import { limits } from '../limits.ts';
import type { GateBuilder, KnownUser, StreamFacts } from '../redis/gate-builder.ts';
import type { ReadGates } from '../redis/gate-reader.ts';
import type { LeaseSpans } from '../redis/lease.ts';
import { Census, type Claim } from './census.ts';

export interface RecoverDeps {
  gates: GateBuilder;
  readGates: ReadGates;
  ledger: {
    get: (campaign: string) => Promise<StoredCampaign | undefined>;
    beginEpoch: (
      campaign: string,
      from: number,
      to: number,
      why: { reason: EpochReason; worker: string },
    ) => Promise<number | undefined>;
    openForMs: (campaign: string, epoch: number) => Promise<number | undefined>;
    noteOpening: (campaign: string, epoch: number, opening: EpochOpening) => Promise<void>;
    facts: (campaign: string) => Promise<LedgerFacts>;
    holders: (campaign: string) => AsyncIterable<Holder[]>;
    keptHolders: (campaign: string) => Promise<KeptHolder[]>;
    cancelledHolders: (campaign: string) => Promise<CancelledHolder[]>;
    /** Those of `units` that a row has. */
    heldUnits: (campaign: string, units: readonly number[]) => Promise<ReadonlySet<number>>;
    markProjected: (campaign: string, version: number) => Promise<void>;
  };
  /** Jobs of the retry queue, whatever their state. */
  listRetries: (campaign: string) => Promise<RetryJob[]>;
  worker: string;
  /** Ms after a rebuild in which only holders of lost tickets are admitted. */
  graceMs: number;
  /** For tests that cannot wait for the usual spans of the lease. */
  leaseSpans?: LeaseSpans;
}

/** `lost` aborts when another builder has the lease: this builder stops instead of being refused later. */
type BuilderDeps = RecoverDeps & { lost: AbortSignal };

export interface Recovery extends EpochOpening {
  epoch: number;
  reason: EpochReason;
  /** False when the gate was found whole. */
  rebuilt: boolean;
}

const USERS_PER_CALL = 500;

/**
 * Verifies or rebuilds the gate of a campaign; `repair` rebuilds one that is open. Undefined when nothing was to be done,
 * when it must not be done here, or when somebody else is doing it. Throws a Fault; then the gate stays closed, and the
 * next attempt begins anew.
 */
export async function recoverGate(deps: RecoverDeps, id: string, repair = false): Promise<Recovery | undefined> {
  await using lease = await deps.gates.lease(id, deps.worker, deps.leaseSpans);
  if (lease === undefined) return undefined;
  const campaign = await deps.ledger.get(id);
  if (campaign === undefined || campaign.projectedVersion === 0) return undefined;
  const state = await deps.gates.state(campaign);
  if (state === 'alone' || (state === 'verified' && !repair)) return undefined;
  const reason = state === 'verified' ? 'repair' : state;
  // The streams first: what is settled between the two readings is then waiting in neither of them.
  const streams = await deps.gates.streamFacts(campaign);
  const [view] = await deps.readGates([id]);
  if (view !== undefined && !repair && (await isStray(deps, campaign, view))) return undefined;
  // A gate may be ahead of a ledger that was restored: no epoch may come twice, for fronts remember what it told.
  const next = Math.max(campaign.epoch, view?.epoch ?? 0) + 1;
  // Before the gate is closed: a ticket has 16 bits for its epoch, and a later epoch would answer every join with 500.
  if (next > EPOCH_MAX) throw new Fault('corrupt-state', `campaign ${id} has used all of its ${EPOCH_MAX} epochs`);
  const epoch = await deps.ledger.beginEpoch(id, campaign.epoch, next, { reason, worker: deps.worker });
  if (epoch === undefined) return undefined;
  const whole = state === 'unverified' && view !== undefined && isWhole(view, streams, await deps.ledger.facts(id));
  const epochs = view?.epochs ?? [{ epoch: campaign.epoch, afterSeq: 0 }];
  const opening = whole
    ? { ...NOTHING_NEW, afterSeq: await deps.gates.promote(campaign, epoch) }
    : await rebuild({ ...deps, lost: lease.lost }, campaign, epoch, epochs, streams);
  await deps.ledger.noteOpening(id, epoch, opening);
  return { ...opening, epoch, reason, rebuilt: !whole };
}

/**
 * Whether this is the gate of a primary that was replaced and does not know it yet: another one opened under a later epoch
 * a moment ago. Rebuilding here would close that one, whose worker would do the same, and so on.
 */
async function isStray({ ledger }: RecoverDeps, { id, epoch }: StoredCampaign, view: GateView): Promise<boolean> {
  if (view.epoch >= epoch) return false;
  const ms = await ledger.openForMs(id, epoch);
  return ms !== undefined && ms < limits.strayEpochMs;
}

const NOTHING_NEW = { knownCount: 0, survivedCount: 0, freeCount: 0 };

/** Whether a gate knows at least what the ledger knows, and its streams hold all that it thinks is waiting. */
function isWhole(view: GateView, streams: StreamFacts, facts: LedgerFacts): boolean {
  const given = view.stock - view.remaining; // units handed out and not returned
  const waiting = streams.lengths.reduce((sum, length) => sum + length, 0);
  return (
    facts.maxSeq <= view.seq &&
    facts.issuedCount <= given &&
    facts.maxUnit <= view.stock &&
    streams.lastSeq <= view.seq &&
    backlogOf(view) <= waiting
  );
}

async function rebuild(
  deps: BuilderDeps,
  { id, shards, buckets }: StoredCampaign,
  epoch: number,
  epochs: readonly EpochStart[],
  streams: StreamFacts,
): Promise<EpochOpening> {
  const { gates, ledger } = deps;
  await gates.begin({ id, buckets }, epoch);
  // From here on nobody writes to the streams: the gate is closed, and no older epoch may settle.
  // The settings are read now: until the gate is open no change reaches it, and the janitor brings those of the meantime.
  const campaign = await ledger.get(id);
  if (campaign?.epoch !== epoch) throw new Fault('stale-epoch', `epoch ${epoch} of ${id} is over`, { retryable: true });
  const census = new Census(campaign.stock);
  await countSurvivors(deps, campaign, epoch, census);
  const cancelled = await countOtherHands(deps, id, census);
  let knownCount = await addIssued(deps, campaign, epoch, census);
  await countCancelledMeanwhile(deps, id, cancelled, census);
  const { exceptional, surviving, superseded } = census.close();
  const rest = [
    ...[...exceptional].map(([tag, claim]) => ({ ...settledBefore(tag, claim), outcome: claim.outcome })),
    ...[...surviving].map(([tag, claim]) => ({ tag, place: placeOf(claim, claim.place) })),
  ];
  knownCount += rest.length;
  for (const users of chunks(rest)) await gates.add(campaign, epoch, users);
  const free = census.freeUnits();
  for (const units of chunks(free)) await gates.add(campaign, epoch, [], units);
  for (const [shard, entries] of Map.groupBy(superseded, (entry) => entry.shard)) {
    const ids = entries.map(({ place }) => entryIdOf(place));
    for (const some of chunks(ids)) await gates.drop(id, epoch, shard, some);
  }
  const afterSeq = Math.max(census.maxSeq, streams.lastSeq);
  const retryingCount = [...exceptional.values()].filter(({ outcome }) => outcome.status === 'retrying').length;
  const counts = { seq: afterSeq, nextUnit: census.nextUnit, retryingCount };
  const newest = [...epochs.filter((start) => start.afterSeq < afterSeq), { epoch, afterSeq }];
  const survivedCount = await gates.finish({ ...campaign, shards }, epoch, counts, newest, deps.graceMs);
  await ledger.markProjected(id, campaign.version);
  return { afterSeq, knownCount, survivedCount, freeCount: free.length };
}

/**
 * A malformed entry stays in its stream: the worker that receives it keeps it as a dead letter. An entry whose id no gate
 * gives out is deleted here: the workers, who would delete it, receive nothing while the gate is closed.
 */
async function countSurvivors(
  { gates }: RecoverDeps,
  { id, shards }: StoredCampaign,
  epoch: number,
  census: Census,
): Promise<void> {
  for (let shard = 0; shard < shards; shard += 1) {
    const foreign: string[] = [];
    for await (const entries of gates.entries(id, shard, (ids) => foreign.push(...ids))) {
      for (const entry of entries) {
        const ticket = readEntry(entry);
        if (ticket.kind === 'malformed' || shardOf(ticket.seq, shards) !== shard) continue;
        const { user, unit, admittedAt, epoch: signedIn, ticketSeq: seq } = ticket;
        census.survivor(userTag(id, user), { unit, epoch: signedIn, seq, admittedAt, place: ticket.seq, shard });
      }
    }
    for (const ids of chunks(foreign)) await gates.drop(id, epoch, shard, ids);
  }
}

/**
 * Retries before letters and again after them, because a retry becomes a letter and a letter a retry: whichever way a
 * ticket moves meanwhile, one of the readings has it. Returns the tags whose cancellation was seen.
 */
async function countOtherHands(deps: RecoverDeps, id: string, census: Census): Promise<ReadonlySet<string>> {
  const cancelled = await deps.ledger.cancelledHolders(id);
  for (const { tag, ...claim } of cancelled) {
    census.inOtherHands(tag, { ...claim, outcome: { status: 'cancelled' } });
  }
  const retries = await deps.listRetries(id);
  for (const { user, reason, ...claim } of await deps.ledger.keptHolders(id)) {
    census.inOtherHands(userTag(id, user), { ...claim, outcome: { status: 'failed', reason } });
  }
  for (const { user, epoch, seq, unit, admittedAt } of [...retries, ...(await deps.listRetries(id))]) {
    census.inOtherHands(userTag(id, user), { epoch, seq, unit, admittedAt, outcome: { status: 'retrying' } });
  }
  return new Set(cancelled.map(({ tag }) => tag));
}

/**
 * Tickets move towards a cancellation from anywhere, so cancellations are read once more when everything else was: a row
 * or a letter that was read may be gone by now, and so may one that was not read.
 */
async function countCancelledMeanwhile(
  { ledger }: RecoverDeps,
  id: string,
  seen: ReadonlySet<string>,
  census: Census,
): Promise<void> {
  const fresh = (await ledger.cancelledHolders(id)).filter(({ tag }) => !seen.has(tag));
  const held = await ledger.heldUnits(
    id,
    fresh.map(({ unit }) => unit),
  );
  for (const { tag, ...claim } of fresh) census.cancelledMeanwhile(tag, claim, held.has(claim.unit));
}

async function addIssued(deps: BuilderDeps, campaign: StoredCampaign, epoch: number, census: Census): Promise<number> {
  let count = 0;
  for await (const rows of deps.ledger.holders(campaign.id)) {
    if (deps.lost.aborted)
      throw new Fault('stale-epoch', 'another builder has the lease of this gate', { retryable: true });
    for (const some of chunks(rows)) {
      const users = some.map((row) => {
        const tag = userTag(campaign.id, row.user);
        census.issued(tag, row);
        return settledBefore(tag, row);
      });
      await deps.gates.add(campaign, epoch, users);
      count += users.length;
    }
  }
  return count;
}

const placeOf = ({ unit, admittedAt, epoch, seq }: Claim, place: number): KnownUser['place'] => ({
  seq: place,
  unit,
  admittedAt,
  ticket: { epoch, seq, unit },
});

const settledBefore = (tag: string, claim: Claim): KnownUser => ({ tag, place: placeOf(claim, 0) });

function* chunks<T>(items: readonly T[]): Iterable<T[]> {
  for (let from = 0; from < items.length; from += USERS_PER_CALL) yield items.slice(from, from + USERS_PER_CALL);
}
