// Opens a gate that Redis may have forgotten: after a restart, a failover, a flush, or an old snapshot put back.
//
// Order of effects, and what a crash between two of them does:
//   lease                        nothing; it ends by itself
//   gate closed                  closed under its epoch, with all that is in it: rebuilt by the next worker
//   its own cancellations        the ledger has them; else the same
//   epoch + 1 in the ledger      the gate is of another epoch than the ledger says, so it is rebuilt by the next worker
//   gate found whole → promoted  open: nothing else was to be done
//   else closed and emptied      closed (run id empty); the next worker goes on under the same epoch, if its Redis was not
//                                started again since; else it begins again under the epoch after
//   users, free units added      the same, behind the last row that was added
//   opened                       open; what survived in the streams is delivered again, and the ledger refuses doubles
//   opening noted                the book of epochs lacks a few counts

import type { StoredCampaign } from '../domain/campaign.ts';
import { hasGate } from '../domain/campaign-life.ts';
import { EPOCH_MAX } from '../domain/epochs.ts';
import { Fault, isFault } from '../domain/fault.ts';
import type { GateView } from '../domain/gate-view.ts';
import type { GateLease, LeaseSpans, ReadGates } from '../gate/port.ts';
import type { GateHolds } from '../gate/states-port.ts';
import { keepOwnCancellations, type OwnCancellationsDeps } from '../giving-back/own-cancellations.ts';
import type { EpochOpening, EpochReason, LedgerFacts } from '../ledger/epochs.ts';
import { limits } from '../process/limits.ts';
import { type RebuildDeps, type RebuildStart, rebuild } from './rebuild.ts';

export interface RecoverDeps extends Omit<RebuildDeps, 'lost'> {
  readGates: ReadGates;
  ledger: RebuildDeps['ledger'] &
    OwnCancellationsDeps['ledger'] & {
      beginEpoch: (
        campaign: string,
        from: number,
        to: number,
        why: { reason: EpochReason; worker: string },
      ) => Promise<number | undefined>;
      openForMs: (campaign: string, epoch: number) => Promise<number | undefined>;
      noteOpening: (campaign: string, epoch: number, opening: EpochOpening) => Promise<void>;
      /** `stock` says how long it may take to count the rows. */
      facts: (campaign: string, stock?: number) => Promise<LedgerFacts>;
    };
  worker: string;
  /** For tests that cannot wait for the usual spans of the lease. */
  leaseSpans?: LeaseSpans;
}

export interface Recovery extends EpochOpening {
  epoch: number;
  reason: EpochReason;
  /** False when the gate was found whole. */
  rebuilt: boolean;
  /** Rows up to this unit were in the gate already: another builder had added them and did not finish. */
  resumedUnit?: number;
}

/**
 * Verifies or rebuilds the gate of a campaign; `repair` rebuilds one that is open. Undefined when nothing was to be done,
 * when it must not be done here, or when somebody else is doing it. Throws a Fault; then the gate stays closed, and the
 * next attempt goes on from what is in it, or begins again.
 */
export async function recoverGate(deps: RecoverDeps, id: string, repair = false): Promise<Recovery | undefined> {
  await using lease = await deps.gates.lease(id, deps.worker, deps.leaseSpans);
  if (lease === undefined) return undefined;
  const campaign = await deps.ledger.get(id);
  if (campaign === undefined || !hasGate(campaign)) return undefined;
  const { state, server, holds } = await deps.gates.stateOn(campaign);
  if (state === 'alone' || (state === 'verified' && !repair)) return undefined;
  const reason = state === 'verified' ? 'repair' : state;
  const resumed = state === 'damaged' ? await resume(deps, campaign, lease) : undefined;
  if (resumed !== undefined) return resumed;
  assertEpochLeft(id, campaign.epoch + 1);
  // What a gate of before its server was started says may be out of date: its own cancellations are not taken from it.
  const isOwn = (state === 'verified' || state === 'damaged') && (await deps.gates.close(campaign, lease.token));
  const before = holds === undefined ? await readBefore(deps, campaign) : undefined;
  const view = before?.view;
  if (view !== undefined && !repair && (await isStray(deps, campaign, view))) return undefined;
  // A gate may be ahead of a ledger that was restored: no epoch may come twice, for fronts remember what it told.
  const next = Math.max(campaign.epoch, view?.epoch ?? 0) + 1;
  assertEpochLeft(id, next);
  if (isOwn && view !== undefined)
    await keepOwnCancellations({ contents: deps.gates, ledger: deps.ledger }, campaign, view);
  const epoch = await deps.ledger.beginEpoch(id, campaign.epoch, next, { reason, worker: deps.worker });
  if (epoch === undefined) return undefined;
  // Whoever asks for a repair wants the settings of the ledger in the gate, which may be ahead of one that was restored.
  const mayBeWhole = state === 'unverified' && !repair && holds !== undefined;
  const whole = mayBeWhole && isWhole(holds, await deps.ledger.facts(id, campaign.stock));
  const opening = whole
    ? { ...NOTHING_NEW, afterSeq: await promote(deps, campaign, epoch, server) }
    : await build(deps, lease, { ...campaign, epoch }, before ?? (await readBefore(deps, campaign)));
  await deps.ledger.noteOpening(id, epoch, opening);
  return { ...opening, epoch, reason, rebuilt: !whole };
}

/** What a gate that is not found whole is rebuilt from; `view` is undefined where it is missing. */
async function readBefore({ gates, readGates }: RecoverDeps, campaign: StoredCampaign) {
  // The streams first: what is settled between the two readings is then waiting in neither of them.
  const streams = await gates.streamFacts(campaign);
  const [view] = await readGates([campaign.id]);
  return { streams, view, epochs: view?.epochs ?? [{ epoch: campaign.epoch, afterSeq: 0 }] };
}

/** Before the gate is closed: a ticket has 16 bits for its epoch, and a later epoch would answer every join with 500. */
function assertEpochLeft(id: string, next: number): void {
  if (next > EPOCH_MAX) throw new Fault('corrupt-state', `campaign ${id} has used all of its ${EPOCH_MAX} epochs`);
}

/**
 * Opens a gate that was found whole, and reads the settings once more. A change that was projected before the server was
 * started again may be missing in its old snapshot, and the janitor does not project the change again.
 */
async function promote(deps: RecoverDeps, campaign: StoredCampaign, epoch: number, server: string): Promise<number> {
  const afterSeq = await deps.gates.promote(campaign, epoch, server);
  const now = await deps.ledger.get(campaign.id);
  if (now !== undefined && now.version !== campaign.version) await deps.gates.project(now);
  return afterSeq;
}

/**
 * Goes on with a rebuild that its builder did not finish, in the same epoch: no row of an older epoch can be written since
 * that epoch began, so the rows that the builder added can only have been cancelled. Undefined when there is none.
 */
async function resume(deps: RecoverDeps, campaign: StoredCampaign, lease: GateLease): Promise<Recovery | undefined> {
  const { id, epoch } = campaign;
  const left = await deps.gates.resume(campaign, { epoch, builder: lease.token });
  if (left === undefined) return undefined;
  const streams = await deps.gates.streamFacts(campaign);
  const opening = await build(deps, lease, campaign, { ...left, streams });
  await deps.ledger.noteOpening(id, epoch, opening);
  return { ...opening, epoch, reason: 'damaged', rebuilt: true, resumedUnit: left.unit };
}

/** Rebuilds a gate in the campaign's epoch. What failed for a lasting reason is begun again: it may be in what was added. */
async function build(
  deps: RecoverDeps,
  { token, lost }: GateLease,
  campaign: StoredCampaign,
  start: RebuildStart,
): Promise<EpochOpening> {
  try {
    return await rebuild({ ...deps, lost }, campaign, { epoch: campaign.epoch, builder: token }, start);
  } catch (error) {
    if (isFault(error) && !error.retryable) await deps.gates.abandon(campaign.id).catch(() => undefined);
    throw error;
  }
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

/**
 * Whether a gate knows at least what the ledger knows, and its streams hold all that it thinks is waiting. One whose streams are
 * ahead of it is damaged, and never unverified.
 */
function isWhole(gate: GateHolds, facts: LedgerFacts): boolean {
  return (
    facts.maxSeq <= gate.seq &&
    facts.issuedCount <= gate.givenCount &&
    facts.cancelledCount <= gate.cancelledCount &&
    facts.maxUnit <= gate.stock &&
    gate.seq - gate.settledCount <= gate.entryCount
  );
}
