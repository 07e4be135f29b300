// What a worker is put together of.
import type { KafkaSourceDeps } from '../broker/kafka/kafka-source.ts';
import type { SendBlocks } from '../broker/kafka/record.ts';
import type { AutoRedrivePolicy } from '../domain/auto-redrive.ts';
import type { Durability } from '../domain/durability.ts';
import type { Notice } from '../domain/notice.ts';
import type { LedgerGuard } from '../ledger/guard.ts';
import type { Ledger } from '../ledger/pool.ts';
import type { Publish } from '../outbox/port.ts';
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
  /** Tells other services; undefined where none is told. */
  publish?: Publish | undefined;
}

export interface KafkaParts {
  topic: string;
  /** A member of the workers' group under this name; its source closes it. */
  openMember: (name: string) => Pick<KafkaSourceDeps, 'consumer' | 'fetchPool'>;
  send: SendBlocks;
  /** Of what `send` writes. */
  sealKey: Buffer;
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
  /** Undefined where operators want no notices. */
  notices?: Notices | undefined;
  /** When dead letters are redriven without an operator. */
  autoRedrive?: readonly AutoRedrivePolicy[];
  /** Ms after its end until a campaign is archived. */
  retainEndedMs: number;
  /** Ms after it was archived until its rows leave the ledger; undefined to keep them. */
  retainLedgerMs: number | undefined;
}

/** Where operators get notices, and from how many dead letters on. */
export interface Notices {
  tell: (notice: Notice) => void;
  lettersMin: number;
}
