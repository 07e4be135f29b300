// Rebuilds the gate of a campaign from what the ledger, the retry queue and the streams know. A builder that dies leaves
// the rows that it added in the gate, and the next builder adds the rows behind them. The next builder reads all else
// again: entries, retries, letters, cancellations and which units are free.
import type { StoredCampaign } from '../domain/campaign.ts';
import { chunks } from '../domain/chunks.ts';
import { readEntry } from '../domain/entry-ticket.ts';
import type { EpochStart } from '../domain/epochs.ts';
import { Fault } from '../domain/fault.ts';
import { userTag } from '../domain/ids.ts';
import type { RetryJob } from '../domain/retry-job.ts';
import { entryIdOf, shardOf } from '../domain/shard.ts';
import type { GateBuilder, StreamFacts } from '../gate/port.ts';
import type { Build, KnownUser } from '../gate/rebuild-port.ts';
import type { CancelledHolder, EpochOpening, Holder, KeptHolder, RowsUpTo } from '../ledger/epochs.ts';
import { Census, type Claim, type ExceptionalClaim } from './census.ts';

export interface RebuildDeps {
  gates: GateBuilder;
  ledger: {
    get: (campaign: string) => Promise<StoredCampaign | undefined>;
    /** In order of their units, those above `after`. */
    holders: (campaign: string, after?: number) => AsyncIterable<Holder[]>;
    holdersAmong: (campaign: string, users: readonly string[]) => Promise<Holder[]>;
    rowsUpTo: (campaign: string, unit: number) => Promise<RowsUpTo>;
    keptHolders: (campaign: string) => Promise<KeptHolder[]>;
    cancelledHolders: (campaign: string) => Promise<CancelledHolder[]>;
    /** Those of `units` that a row has. */
    heldUnits: (campaign: string, units: readonly number[]) => Promise<ReadonlySet<number>>;
    markProjected: (campaign: string, version: number) => Promise<void>;
  };
  /** Jobs of the retry queue, whatever their state. */
  listRetries: (campaign: string) => Promise<RetryJob[]>;
  /** Ms after a rebuild in which only holders of lost tickets are admitted. */
  graceMs: number;
  /** Aborts when another builder has the lease: this builder stops instead of being refused later. */
  lost: AbortSignal;
}

/** Where a rebuild begins. */
export interface RebuildStart {
  /** Where each earlier epoch began. */
  epochs: readonly EpochStart[];
  streams: StreamFacts;
  /** Rows up to this unit are in the gate; undefined for a gate that is to be emptied first. */
  unit?: number;
}

const USERS_PER_CALL = 500;

/** Rebuilds a gate and opens it. Throws a Fault; then the gate stays closed, with all that was added to it. */
export async function rebuild(
  deps: RebuildDeps,
  before: StoredCampaign,
  build: Build,
  { epochs, streams, unit }: RebuildStart,
): Promise<EpochOpening> {
  const { gates, ledger } = deps;
  const [{ id }, { epoch }] = [before, build];
  if (unit === undefined) await gates.begin(before, build, epochs);
  // From here on nobody writes to the streams: the gate is closed, and no older epoch may settle.
  // The settings are read now: until the gate is open no change reaches it, and the janitor brings those of the meantime.
  const campaign = await ledger.get(id);
  if (campaign?.epoch !== epoch) throw new Fault('stale-epoch', `epoch ${epoch} of ${id} is over`, { retryable: true });
  const census = new Census(campaign.stock);
  const named = unit === undefined ? undefined : new Set<string>();
  await countSurvivors(deps, campaign, build, census, named);
  const cancelled = await countOtherHands(deps, id, census, named);
  const addedCount = named === undefined ? 0 : await countAdded(deps, id, unit!, census, named);
  const issuedCount = addedCount + (await addIssued(deps, campaign, build, unit ?? 0, census));
  const cancelledCount = await countCancelledMeanwhile(deps, id, cancelled, census);
  const { exceptional, surviving, superseded } = census.close();
  const rest = [
    ...[...exceptional].map(([tag, claim]) => ({ ...settledBefore(tag, claim), outcome: claim.outcome })),
    ...[...surviving].map(([tag, claim]) => ({ tag, place: placeOf(claim, claim.place) })),
  ];
  for (const some of chunks(rest, USERS_PER_CALL)) await gates.add(campaign, build, { users: some });
  const free = census.freeUnits();
  for (const freeUnits of chunks(free, USERS_PER_CALL)) await gates.add(campaign, build, { freeUnits });
  for (const [shard, entries] of Map.groupBy(superseded, (entry) => entry.shard)) {
    const ids = entries.map(({ place }) => entryIdOf(place));
    for (const some of chunks(ids, USERS_PER_CALL)) await gates.drop(id, build, shard, some);
  }
  const afterSeq = Math.max(census.maxSeq, streams.lastSeq);
  const retryingCount = [...exceptional.values()].filter(({ outcome }) => outcome.status === 'retrying').length;
  const counts = { seq: afterSeq, nextUnit: census.nextUnit, retryingCount, cancelledCount };
  const newest = [...epochs.filter((start) => start.afterSeq < afterSeq), { epoch, afterSeq }];
  const survivedCount = await gates.finish(campaign, build, counts, newest, deps.graceMs);
  await ledger.markProjected(id, campaign.version);
  return { afterSeq, knownCount: issuedCount + rest.length, survivedCount, freeCount: free.length };
}

/**
 * A malformed entry stays in its stream: the worker that receives it keeps it as a dead letter. An entry whose id no gate
 * gives out is deleted here: the workers, who would delete it, receive nothing while the gate is closed. `named` takes
 * the users, here and below.
 */
async function countSurvivors(
  { gates }: RebuildDeps,
  { id, shards }: StoredCampaign,
  build: Build,
  census: Census,
  named?: Set<string>,
): Promise<void> {
  for (let shard = 0; shard < shards; shard += 1) {
    const foreign: string[] = [];
    for await (const entries of gates.entries(id, shard, (ids) => foreign.push(...ids))) {
      for (const entry of entries) {
        const ticket = readEntry(entry);
        if (ticket.kind === 'malformed' || shardOf(ticket.seq, shards) !== shard) continue;
        const { user, unit, admittedAt, epoch: signedIn, ticketSeq: seq } = ticket;
        census.survivor(userTag(id, user), { unit, epoch: signedIn, seq, admittedAt, place: ticket.seq, shard });
        named?.add(user);
      }
    }
    for (const ids of chunks(foreign, USERS_PER_CALL)) await gates.drop(id, build, shard, ids);
  }
}

/**
 * Retries before letters and again after them, because a retry becomes a letter and a letter a retry: whichever way a
 * ticket moves meanwhile, one of the readings has it. Returns the tags whose cancellation was seen.
 */
async function countOtherHands(
  deps: RebuildDeps,
  id: string,
  census: Census,
  named?: Set<string>,
): Promise<ReadonlySet<string>> {
  const count = (user: string, claim: ExceptionalClaim) => {
    census.inOtherHands(userTag(id, user), claim);
    named?.add(user);
  };
  const cancelled = await deps.ledger.cancelledHolders(id);
  for (const { tag, user, ...claim } of cancelled) {
    census.inOtherHands(tag, { ...claim, outcome: { status: 'cancelled' } });
    if (user !== undefined) named?.add(user);
  }
  const retries = await deps.listRetries(id);
  for (const { user, reason, ...claim } of await deps.ledger.keptHolders(id)) {
    count(user, { ...claim, outcome: { status: 'failed', reason } });
  }
  for (const { user, epoch, seq, unit, admittedAt } of [...retries, ...(await deps.listRetries(id))]) {
    count(user, { epoch, seq, unit, admittedAt, outcome: { status: 'retrying' } });
  }
  return new Set(cancelled.map(({ tag }) => tag));
}

/** The rows that another builder has added: which units they hold, and whose of `named` they are. Returns their number. */
async function countAdded(
  { ledger }: RebuildDeps,
  id: string,
  unit: number,
  census: Census,
  named: ReadonlySet<string>,
): Promise<number> {
  const { issuedCount, maxSeq, gaps } = await ledger.rowsUpTo(id, unit);
  census.issuedUpTo(unit, maxSeq, gaps);
  for (const row of await ledger.holdersAmong(id, [...named])) census.issued(userTag(id, row.user), row);
  return issuedCount;
}

/**
 * Tickets move towards a cancellation from anywhere, so cancellations are read once more when everything else was: a row
 * or a letter that was read may be gone by now, and so may one that was not read. Returns how many users have one.
 */
async function countCancelledMeanwhile(
  { ledger }: RebuildDeps,
  id: string,
  seen: ReadonlySet<string>,
  census: Census,
): Promise<number> {
  const fresh = (await ledger.cancelledHolders(id)).filter(({ tag }) => !seen.has(tag));
  const held = await ledger.heldUnits(
    id,
    fresh.map(({ unit }) => unit),
  );
  for (const { tag, ...claim } of fresh) census.cancelledMeanwhile(tag, claim, held.has(claim.unit));
  return seen.size + new Set(fresh.map(({ tag }) => tag)).size;
}

async function addIssued(
  deps: RebuildDeps,
  campaign: StoredCampaign,
  build: Build,
  after: number,
  census: Census,
): Promise<number> {
  let count = 0;
  for await (const rows of deps.ledger.holders(campaign.id, after)) {
    if (deps.lost.aborted)
      throw new Fault('stale-epoch', 'another builder has the lease of this gate', { retryable: true });
    for (const some of chunks(rows, USERS_PER_CALL)) {
      const users = some.map((row) => {
        const tag = userTag(campaign.id, row.user);
        census.issued(tag, row);
        return settledBefore(tag, row);
      });
      await deps.gates.add(campaign, build, { users, upToUnit: some.at(-1)!.unit });
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
