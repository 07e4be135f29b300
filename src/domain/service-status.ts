// The whole service at one look, as a front sees it.
import type { Attention } from './campaign-attention.ts';
import type { ConnectionUse } from './connection-use.ts';
import type { WaitingTickets } from './waiting.ts';

export interface StoreStatus {
  reachable: boolean;
  /** Null where the server does not say it. */
  connections: ConnectionUse | null;
}

export interface ProcessStatus {
  name: string;
  silentMs: number;
  /** Why it is not ready, as slugs; empty when it is. */
  reasons: readonly string[];
}

export interface AttentionStatus {
  campaign: string;
  attention: Attention;
}

/** How far workers are behind the topic of tickets. */
export interface TopicLag {
  topic: string;
  /** Of the workers. */
  group: string;
  /** Records that the group has not committed, each of 1 to 500 tickets; null where the brokers did not say it. */
  records: number | null;
  /** Of the partition with the most. */
  worstRecords: number | null;
  /** Why it is not known, in words; null where it is. */
  problem: string | null;
}

/** Null for what could not be read in time. */
export interface ServiceStatus {
  stores: { redis: StoreStatus; database: StoreStatus };
  /** Undefined where no Kafka carries tickets. */
  kafka?: TopicLag | null | undefined;
  /** Those that have reported lately. */
  fronts: readonly ProcessStatus[] | null;
  workers: readonly ProcessStatus[] | null;
  waiting: WaitingTickets | null;
  retrying: number | null;
  deadLetters: number | null;
  /** The most urgent first. */
  attention: readonly AttentionStatus[] | null;
}
