// The tables as Kysely sees them. What they mean and promise is said where they are made: migrations/.
import type { ColumnType, Generated } from 'kysely';
import type { CampaignState } from '../domain/campaign.ts';
import type { Setting } from '../domain/campaign-settings.ts';
import type { LetterState } from '../domain/dead-letter.ts';

/** Set by the database when the row is inserted. */
type Stamp = ColumnType<Date, never, never>;

type SettingColumns = {
  [S in Setting as S['column']]: { name: string; instant: Date | null; integer: number }[S['kind']];
};

export interface CampaignsTable extends SettingColumns {
  id: string;
  buckets: number;
  state: CampaignState;
  version: number;
  projected_version: Generated<number>;
  epoch: number;
  drained_at: Date | null;
  archived_at: Date | null;
  /** When none of its keys was left in Redis. */
  keys_deleted_at: Date | null;
  purged_at: Date | null;
  /** When none of its tickets was left in the ledger. */
  rows_deleted_at: Date | null;
  /** Units that could still be had, and tickets that were given out, when it was archived. */
  left_count: number | null;
  admitted_count: number | null;
  created_at: Stamp;
  updated_at: ColumnType<Date, never, Date>;
}

interface TranchesTable {
  campaign: string;
  last_unit: number;
  created_at: Stamp;
}

interface IssuancesTable {
  campaign: string;
  unit: number;
  user: string;
  seq: number;
  epoch: number;
  code: string;
  admitted_at: Date;
  issued_at: Stamp;
  last_unit: number;
}

interface AuditLogTable {
  id: Generated<number>;
  at: Stamp;
  actor: string;
  action: string;
  campaign: string;
  before: string | null;
  after: string | null;
}

interface IdempotencyKeysTable {
  scope: string;
  key: string;
  fingerprint: string;
  response: string;
  at: Stamp;
}

interface OutboxTable {
  id: Generated<number>;
  campaign: string;
  what: 'issued' | 'cancelled';
  tickets: string;
  at: Stamp;
}

export interface DeadLettersTable {
  id: Generated<number>;
  campaign: string;
  seq: number;
  epoch: number;
  unit: number | null;
  user: string | null;
  admitted_at: Date | null;
  reason: string;
  detail: string;
  attempts: number;
  trace_id: string | null;
  span_id: string | null;
  raw: string | null;
  state: Generated<LetterState>;
  created_at: Stamp;
  redrive_count: Generated<number>;
  /** When a redrive claimed it; null once it was handed over. */
  redriving_at: Date | null;
  /** When it was kept the last time; null for one of before there was this column. */
  kept_at: Date | null;
}

export interface CancellationsTable {
  campaign: string;
  epoch: number;
  seq: number;
  /** Of its user; null where nobody can say whose ticket it was. */
  tag: string | null;
  user: string | null;
  unit: number | null;
  kind: 'cancelled' | 'discarded';
  actor: string;
  created_at: Stamp;
  /** When its unit went back to the gate. */
  returned_at: Date | null;
}

interface EpochsTable {
  campaign: string;
  epoch: number;
  reason: 'unverified' | 'damaged' | 'missing' | 'repair';
  worker: string;
  began_at: Stamp;
  opened_at: ColumnType<Date | null, never, Date>;
  after_seq: ColumnType<number | null, never, number>;
  known_count: ColumnType<number | null, never, number>;
  survived_count: ColumnType<number | null, never, number>;
  free_count: ColumnType<number | null, never, number>;
}

interface ErasuresTable {
  campaign: string;
  user: string;
  actor: string;
  asked_at: Stamp;
}

export interface Schema {
  campaigns: CampaignsTable;
  tranches: TranchesTable;
  issuances: IssuancesTable;
  audit_log: AuditLogTable;
  idempotency_keys: IdempotencyKeysTable;
  dead_letters: DeadLettersTable;
  epochs: EpochsTable;
  cancellations: CancellationsTable;
  erasures: ErasuresTable;
  outbox: OutboxTable;
}
