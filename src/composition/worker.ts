// What the duties of a worker are made of, put together of the stores: the worker itself does it, and its tests do.
import { isOver } from '../domain/campaign-life.ts';
import { spanClock } from '../domain/clock.ts';
import type { DeadLetter } from '../domain/dead-letter.ts';
import type { IssuanceRow } from '../domain/issuance.ts';
import type { RetryJob } from '../domain/retry-job.ts';
import { keptTraceOf } from '../domain/trace-context.ts';
import { createAskedGates } from '../gate/redis/asked-gates.ts';
import { reapConsumers } from '../gate/redis/consumers.ts';
import { createGate } from '../gate/redis/gate.ts';
import { createEachGateReader, createGateReader } from '../gate/redis/gate-reader.ts';
import { createLines } from '../gate/redis/lines.ts';
import { createReturns } from '../gate/redis/returns.ts';
import { createSettlement } from '../gate/redis/settlement.ts';
import { campaignStore } from '../ledger/campaign-store.ts';
import { getCampaign } from '../ledger/campaigns.ts';
import { keepDeadLetter } from '../ledger/dead-letters.ts';
import { issueBatch } from '../ledger/issuances.ts';
import { cancellationStore } from '../ledger/letter-store.ts';
import { limits } from '../process/limits.ts';
import { createWorkerReports } from '../redis/worker-reports.ts';
import { createRetryTraces } from '../telemetry/retry-trace.ts';
import { type OpenSource, relayDuty, sourceOf } from './carriers.ts';
import { composeEnding } from './ending.ts';
import { UNHEARD, type WorkerEvents } from './heard.ts';
import { publishingDuty } from './publishing.ts';
import { composeRecovery } from './recovery.ts';
import { announcingDuty, redrivingDuties, scheduleIn } from './redriving.ts';
import type { WorkerParts, WorkerSettings } from './worker-parts.ts';

/** By duty, what it takes. */
export interface ComposedWorker
  extends ReturnType<typeof issuingDuties>,
    ReturnType<typeof recoveringDuties>,
    ReturnType<typeof keepingDuties>,
    ReturnType<typeof endingDuty>,
    ReturnType<typeof announcingDuty> {
  openSource: OpenSource;
  /** Undefined where the gates' own streams carry the tickets. */
  relay: ReturnType<typeof relayDuty>;
  /** Undefined where no other service is told. */
  publisher: ReturnType<typeof publishingDuty>;
}

/** Nothing runs until a duty does; `workers/duties.ts` has the duties. */
export function composeWorker(
  parts: WorkerParts,
  settings: WorkerSettings,
  given: Partial<WorkerEvents> & Pick<WorkerEvents, 'onError'>,
): ComposedWorker {
  const events = { ...UNHEARD, ...given };
  return {
    openSource: sourceOf(parts, settings, events),
    ...issuingDuties(parts, settings, events),
    ...recoveringDuties(parts, settings, events),
    ...keepingDuties(parts, settings, events),
    relay: relayDuty(parts, settings, events),
    publisher: publishingDuty(parts, settings, events),
    ...endingDuty(parts, settings, events),
    ...announcingDuty(parts, settings, events),
  };
}

/** What the duties take that issue tickets. */
function issuingDuties(
  { redis, ledger, guard, retries, kafka }: WorkerParts,
  { couponKey }: WorkerSettings,
  { onSettled, onInserted, onIssuedLate, onRetry, onBuried, onLeft, onError }: WorkerEvents,
) {
  const readGates = createGateReader(redis);
  const insert = async (rows: IssuanceRow[], epoch: number) => {
    const startedAt = performance.now();
    const results = await issueBatch(ledger, rows, epoch);
    onInserted(rows.length, (performance.now() - startedAt) / 1_000);
    return results;
  };
  const keep = async (letter: DeadLetter, epoch?: number) => {
    const kept = await keepDeadLetter(ledger, letter, epoch);
    if (kept.kind === 'kept') onBuried(kept.reason);
    return kept;
  };
  const traces = createRetryTraces();
  const issuing = {
    gate: createGate(redis),
    issueBatch: (rows: IssuanceRow[], epoch: number) => guard.run(() => insert(rows, epoch), rows[0]?.campaign),
    untilLedgerUp: guard.breaker.untilClosed,
    couponKey,
  };
  return {
    issuer: {
      ...issuing,
      carrier: kafka === undefined ? ('redis' as const) : ('kafka' as const),
      settlement: createSettlement(redis),
      retries: {
        schedule: async (job: RetryJob) => {
          await scheduleIn({ retries }, traces)(job);
          onRetry(job.reason);
        },
      },
      keepMalformed: (campaign: string, epoch: number, seq: number, raw: string) => {
        const letter = { campaign, epoch, seq, reason: 'malformed-entry', attempts: 1, raw };
        return traces.giveUp({ ...letter, traceparent: '' }, (traceparent) =>
          keep({ ...letter, ...keptTraceOf(traceparent) }),
        );
      },
      onSettled,
      onLeft,
      onError,
    },
    retrier: {
      ...issuing,
      traces,
      returns: createReturns(redis),
      cancellations: cancellationStore(ledger),
      shapeOf: async (campaign: string) => (await readGates([campaign]))[0],
      keepDeadLetter: keep,
      onIssued: onIssuedLate,
      isOver: async (campaign: string) => {
        const stored = await getCampaign(ledger, campaign);
        return stored !== undefined && isOver(stored);
      },
    },
  };
}

/** What the duties take that open and compare gates. */
function recoveringDuties(
  { redis, ledger, retries }: WorkerParts,
  { name, durability, graceMs }: WorkerSettings,
  { onRecovered, onRecoveryProgress, onAlone, onReconciled, onMismatch, onError }: WorkerEvents,
) {
  const { liveCampaigns, listGated } = campaignStore(ledger);
  const recovery = composeRecovery({ redis, ledger, retries, durability, graceMs });
  return {
    recoverer: {
      liveCampaigns,
      listGated,
      find: recovery.find,
      stateOf: recovery.gates.state,
      isStillClosed: recovery.isStillClosed,
      closedAmong: recovery.gates.closedAmong,
      takeAsked: createAskedGates(redis).take,
      recover: (campaign: string) => recovery.recover(campaign, name),
      onRecovered,
      onAlone,
      onProgress: onRecoveryProgress,
      onError,
    },
    reconciler: {
      liveCampaigns,
      marksOf: recovery.gates.marksOf,
      takeTurn: (campaign: string, ms: number) => recovery.gates.takeTurn(campaign, name, ms),
      look: recovery.look,
      onRound: onReconciled,
      onMismatch,
      onError,
      now: spanClock,
    },
  };
}

/** What the duties take that keep gates, ledger and streams in order. */
function keepingDuties(
  parts: WorkerParts,
  { name, halfDoneMs = limits.halfDoneMs, autoRedrive = [] }: WorkerSettings,
  events: WorkerEvents,
) {
  const { redis, ledger, retries } = parts;
  const { onLook, onDeadLetters, onCounted, onGateLost, onError } = events;
  const store = campaignStore(ledger);
  const reports = createWorkerReports(redis);
  return {
    ...redrivingDuties(parts, { halfDoneMs, autoRedrive }, events, createRetryTraces()),
    janitor: {
      store,
      holder: name,
      lines: createLines(redis),
      countRetries: () => retries.count(),
      onLook,
      gate: createGate(redis),
      readGates: createEachGateReader(redis),
      reapConsumers: (campaign: string, shards: number, idleMs: number) =>
        reapConsumers(redis, campaign, shards, idleMs),
      onDeadLetters,
      onCounted,
      onGateLost,
      onError,
    },
    reporter: {
      report: (reasons: readonly string[]) => reports.report(name, reasons),
      withdraw: () => reports.withdraw(name),
      onError,
    },
  };
}

/** What the duty takes that archives and purges campaigns which are over. */
function endingDuty(
  { redis, ledger, retries }: WorkerParts,
  { name, retainEndedMs, retainLedgerMs }: WorkerSettings,
  { onEnded, onError }: WorkerEvents,
) {
  const ending = composeEnding({ redis, ledger, retries, name });
  return {
    archivist: {
      ...ending,
      findDue: () => ending.findDue(retainEndedMs, retainLedgerMs),
      listToArchive: (after: string) => ending.listToArchive(retainEndedMs, after),
      listToPurge: async () => (retainLedgerMs === undefined ? [] : ending.listToPurge(retainLedgerMs)),
      onEnded,
      onError,
    },
  };
}
