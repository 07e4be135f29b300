// What a worker is put together of, and what it tells.
import type { KafkaSourceDeps } from '../broker/kafka/kafka-source.ts';
import type { SendRecords } from '../broker/kafka/record.ts';
import type { Durability } from '../domain/durability.ts';
import type { LedgerGuard } from '../ledger/guard.ts';
import type { Ledger } from '../ledger/pool.ts';
import type { RecoveryProgress } from '../recovery/progress.ts';
import type { Recovery } from '../recovery/recover.ts';
import type { ReconcileReport } from '../recovery/report.ts';
import type { RedisClient } from '../redis/connection.ts';
import type { Retries } from '../retry/port.ts';

export interface WorkerParts {
  /** For commands that answer at once. */
  redis: RedisClient;
  ledger: Ledger;
  /** Before that ledger. */
  guard: LedgerGuard;
  retries: Retries;
  /** Opens a connection that sends nothing a second time; whoever asked for it closes it. */
  openReader: (name: string) => RedisClient;
  /** Where it carries the tickets; undefined for Redis Streams alone. */
  kafka?: KafkaParts | undefined;
}

export interface KafkaParts {
  topic: string;
  /** A member of the workers' group under this name; its source closes it. */
  openMember: (name: string) => Pick<KafkaSourceDeps, 'consumer' | 'fetchPool'>;
  send: SendRecords;
  /** By partition, the offset behind the last record. */
  ends: () => Promise<bigint[]>;
  /** By partition, the offset that the group has committed; 0 for none. */
  committed: () => Promise<bigint[]>;
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
  onGateLost: (campaign: string) => void;
  onEnded: (campaign: string, end: 'archived' | 'purged') => void;
  /** Tickets that the relay has carried to the other broker. */
  onCarried: (count: number) => void;
  /** Tickets whose records workers had passed, and that the relay has carried again. */
  onLost: (count: number) => void;
}

const nothing = () => undefined;
export const UNHEARD: Omit<WorkerEvents, 'onError'> = {
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
  onGateLost: nothing,
  onEnded: nothing,
  onCarried: nothing,
  onLost: nothing,
};
