// What the duties of a worker are made of, put together of the stores: the worker itself does it, and its tests do.
import type { TicketSource } from '../broker/port.ts';
import { createRedisSource } from '../broker/redis-source.ts';
import type { AutoRedrivePolicy } from '../domain/auto-redrive.ts';
import { isOver } from '../domain/campaign-life.ts';
import type { DeadLetter } from '../domain/dead-letter.ts';
import type { Durability } from '../domain/durability.ts';
import type { IssuanceRow } from '../domain/issuance.ts';
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
import type { LedgerGuard } from '../ledger/guard.ts';
import { issueBatch } from '../ledger/issuances.ts';
import { cancellationStore } from '../ledger/letter-store.ts';
import type { Ledger } from '../ledger/pool.ts';
import { limits } from '../process/limits.ts';
import type { RecoveryProgress } from '../recovery/progress.ts';
import type { Recovery } from '../recovery/recover.ts';
import type { ReconcileReport } from '../recovery/report.ts';
import type { RedisClient } from '../redis/connection.ts';
import { readObstacle } from '../redis/read-obstacle.ts';
import { createWorkerReports } from '../redis/worker-reports.ts';
import type { Retries } from '../retry/port.ts';
import { createRetryTraces } from '../telemetry/retry-trace.ts';
import { composeEnding } from './ending.ts';
import { composeRecovery } from './recovery.ts';
import { announcingDuty, type Notices, redrivingDuties, scheduleIn } from './redriving.ts';

export interface WorkerParts {
  /** For commands that answer at once. */
  redis: RedisClient;
  ledger: Ledger;
  /** Before that ledger. */
  guard: LedgerGuard;
  retries: Retries;
  /** Opens a connection that sends nothing a second time; whoever asked for it closes it. */
  openReader: (name: string) => RedisClient;
}

export interface WorkerSettings {
  /** One live worker per name; one that is restarted takes up the entries that it had received. */
  name: string;
  couponKey: Buffer;
  /** Entries that a worker was silent about for this long are another worker's. */
  claimIdleMs: number;
  /** What was begun this long ago and not ended is taken over. */
  halfDoneMs?: number;
  batchMax?: number;
  durability: Durability;
  /** Ms after a rebuild in which only holders of lost tickets are admitted. */
  graceMs: number;
  /** Undefined where operators want no notices. */
  notices?: Notices | undefined;
  /** When dead letters are redriven without an operator. */
  autoRedrive?: readonly AutoRedrivePolicy[];
  /** Ms after its end until a campaign is archived. */
  retainEndedMs: number;
  /** Ms after it was archived until its rows leave the ledger; undefined to keep them. */
  retainLedgerMs: number | undefined;
}

/** What a worker logs, counts, and judges its own health by. */
export interface WorkerEvents {
  onError: (error: unknown) => void;
  /** Entries that a batch settled, and the seconds it took. */
  onSettled: (count: number, seconds: number) => void;
  /** Entries that the worker had received and leaves unsettled. */
  onLeft: (count: number) => void;
  /** Tickets that wait, and that are being retried, over all campaigns; after every look that went well. */
  onLook: (backlog: number, retrying: number) => void;
  /** The lines of these lanes were read, by their name. */
  onTurn: (lanes: string) => void;
  /** They could not be read; `cause` is a slug. */
  onTurnFailed: (lanes: string, cause: string) => void;
  /** A campaign with tickets could not be read; then, that it was, or has none any more. */
  onUnreadable: (campaign: string) => void;
  onRead: (campaign: string) => void;
  onVanished: (campaign: string, seqs: number[]) => void;
  onForeign: (campaign: string, ids: string[]) => void;
  /** `isOneOfMany` when the progress of all is told, too. */
  onRecovered: (campaign: string, recovery: Recovery, isOneOfMany: boolean) => void;
  onRecoveryProgress: (progress: RecoveryProgress) => void;
  onAlone: (campaign: string) => void;
  onReconciled: (mismatches: number, lost: number) => void;
  onMismatch: (report: ReconcileReport) => void;
  onDeadLetters: (count: number) => void;
  /** Dead letters of a reason that a policy redrove in one look. */
  onRedriven: (reason: string, count: number) => void;
  onGateLost: (campaign: string) => void;
  onEnded: (campaign: string, end: 'archived' | 'purged') => void;
}

const nothing = () => undefined;
const UNHEARD: Omit<WorkerEvents, 'onError'> = {
  onSettled: nothing,
  onLeft: nothing,
  onLook: nothing,
  onTurn: nothing,
  onTurnFailed: nothing,
  onUnreadable: nothing,
  onRead: nothing,
  onVanished: nothing,
  onForeign: nothing,
  onRecovered: nothing,
  onRecoveryProgress: nothing,
  onAlone: nothing,
  onReconciled: nothing,
  onMismatch: nothing,
  onDeadLetters: nothing,
  onRedriven: nothing,
  onGateLost: nothing,
  onEnded: nothing,
};

/** By duty, what it takes. */
export interface ComposedWorker
  extends ReturnType<typeof issuingDuties>,
    ReturnType<typeof recoveringDuties>,
    ReturnType<typeof keepingDuties>,
    ReturnType<typeof endingDuty>,
    ReturnType<typeof announcingDuty> {
  /** Of all campaigns, unless `isWanted` says which; the worker's own, unless `consumer` is another's. */
  openSource: (isWanted?: (campaign: string) => boolean, consumer?: string) => TicketSource;
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
    ...endingDuty(parts, settings, events),
    ...announcingDuty(parts, settings, events),
  };
}

/** What the duties take that issue tickets. */
function issuingDuties(
  { redis, ledger, guard, retries }: WorkerParts,
  { couponKey }: WorkerSettings,
  { onSettled, onLeft, onError }: WorkerEvents,
) {
  const readGates = createGateReader(redis);
  const traces = createRetryTraces();
  const issuing = {
    gate: createGate(redis),
    issueBatch: (rows: IssuanceRow[], epoch: number) =>
      guard.run(() => issueBatch(ledger, rows, epoch), rows[0]?.campaign),
    untilLedgerUp: guard.breaker.untilClosed,
    couponKey,
  };
  return {
    issuer: {
      ...issuing,
      settlement: createSettlement(redis),
      retries: { schedule: scheduleIn({ retries }, traces) },
      keepMalformed: (campaign: string, epoch: number, seq: number, raw: string) => {
        const letter = { campaign, epoch, seq, reason: 'malformed-entry', attempts: 1, raw };
        return traces.giveUp({ ...letter, traceparent: '' }, (traceparent) =>
          keepDeadLetter(ledger, { ...letter, ...keptTraceOf(traceparent) }),
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
      keepDeadLetter: (letter: DeadLetter, epoch: number) => keepDeadLetter(ledger, letter, epoch),
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
  const { listLiveCampaigns, listGated } = campaignStore(ledger);
  const recovery = composeRecovery({ redis, ledger, retries, durability, graceMs });
  return {
    recoverer: {
      listLiveCampaigns,
      listGated,
      find: recovery.find,
      stateOf: recovery.gates.state,
      closedAmong: recovery.gates.closedAmong,
      takeAsked: createAskedGates(redis).take,
      recover: (campaign: string) => recovery.recover(campaign, name),
      onRecovered,
      onAlone,
      onProgress: onRecoveryProgress,
      onError,
    },
    reconciler: {
      listLiveCampaigns,
      marksOf: recovery.gates.marksOf,
      takeTurn: (campaign: string, ms: number) => recovery.gates.takeTurn(campaign, name, ms),
      look: recovery.look,
      onRound: onReconciled,
      onMismatch,
      onError,
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
  const { onLook, onDeadLetters, onGateLost, onError } = events;
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

function sourceOf(
  { redis, ledger, openReader }: WorkerParts,
  { name, claimIdleMs, batchMax = limits.workBatchMax }: WorkerSettings,
  { onTurn, onTurnFailed, onUnreadable, onRead, onVanished, onForeign, onError }: WorkerEvents,
): ComposedWorker['openSource'] {
  const inHandMax = ledger.connectionMax * limits.inHandPerConnection;
  const onLookFailed = (lanes: string, error: unknown): void =>
    void readObstacle(redis, error).then((cause) => onTurnFailed(lanes, cause));
  const told = { onLook: onTurn, onLookFailed, onUnreadable, onRead, onVanished, onForeign, onError };
  return (isWanted, consumer = name) =>
    createRedisSource({ redis, openReader, name: consumer, batchMax, claimIdleMs, inHandMax, isWanted, ...told });
}
