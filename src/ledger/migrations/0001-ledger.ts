// The first tables. Each statement may run twice: DDL commits by itself, so a migration that died half-way starts over.
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

export const ledger: Migration = {
  up: async (db) => {
    await createTranches(db);
    await createCampaigns(db);
    await createIssuances(db);
    await createBooks(db);
    await createDeadLetters(db);
  },
};

const id = (chars: number) => sql.raw(`varchar(${chars}) character set ascii collate ascii_bin`);
const text = (type: string) => sql.raw(`${type} character set utf8mb4 collate utf8mb4_bin`);
const stamp = sql.raw('datetime(3) not null default current_timestamp(3)');
const table = sql.raw('engine = InnoDB default character set = ascii collate = ascii_bin row_format = dynamic');

/** How far the units of a campaign go: one row for each stock it ever had. Rows are only ever added. */
async function createTranches(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists tranches (
    campaign ${id(63)} not null,
    last_unit int unsigned not null,
    created_at ${stamp},
    primary key (campaign, last_unit),
    constraint tranches_not_empty check (last_unit >= 1)
  ) ${table}`.execute(db);
}

/** Campaign truth. A stock that is no tranche cannot be written, so it cannot shrink below what was issued either. */
async function createCampaigns(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists campaigns (
    id ${id(63)} not null,
    name ${text('varchar(200)')} not null,
    stock int unsigned not null,
    opens_at datetime(3) null,
    closes_at datetime(3) null,
    rate_per_second int unsigned not null,
    burst int unsigned not null,
    backlog_max int unsigned not null,
    shards int unsigned not null,
    buckets int unsigned not null,
    state ${id(8)} not null,
    version int unsigned not null,
    projected_version int unsigned not null default 0,
    epoch int unsigned not null,
    drained_at datetime(3) null,
    created_at ${stamp},
    updated_at ${stamp},
    primary key (id),
    key campaigns_stock (id, stock),
    key campaigns_drained (drained_at, id),
    constraint campaigns_stock_is_a_tranche foreign key (id, stock) references tranches (campaign, last_unit),
    constraint campaigns_state check (state in ('active', 'paused', 'closed')),
    constraint campaigns_window check (closes_at > opens_at)
  ) ${table}`.execute(db);
}

/**
 * The ledger. Never over-issued: a unit lies between 1 and the row's `last_unit`, that is a tranche of the campaign, and
 * no unit stands twice; so there are at most as many rows as the last tranche has units, whoever writes.
 */
async function createIssuances(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists issuances (
    campaign ${id(63)} not null,
    unit int unsigned not null,
    user ${id(128)} not null,
    seq bigint unsigned not null,
    epoch int unsigned not null,
    code ${sql.raw('char(16) character set ascii collate ascii_bin')} not null,
    admitted_at datetime(3) not null,
    issued_at datetime(6) not null default current_timestamp(6),
    last_unit int unsigned not null,
    primary key (campaign, unit),
    unique key issuances_one_per_user (campaign, user),
    unique key issuances_code (code),
    key issuances_tranche (campaign, last_unit),
    constraint issuances_within_tranche check (unit between 1 and last_unit),
    constraint issuances_tranche_exists foreign key (campaign, last_unit) references tranches (campaign, last_unit)
  ) ${table}`.execute(db);
}

/** Who did what, and what was answered to whom asked with a key. */
async function createBooks(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists audit_log (
    id bigint unsigned not null auto_increment,
    at ${stamp},
    actor ${text('varchar(200)')} not null,
    action ${id(32)} not null,
    campaign ${id(63)} not null,
    \`before\` ${text('text')} null,
    \`after\` ${text('text')} null,
    primary key (id),
    key audit_log_campaign (campaign, id)
  ) ${table}`.execute(db);
  await sql`create table if not exists idempotency_keys (
    scope ${id(100)} not null,
    \`key\` ${id(200)} not null,
    fingerprint ${id(64)} not null,
    response ${text('text')} not null,
    at ${stamp},
    primary key (scope, \`key\`)
  ) ${table}`.execute(db);
}

/** What was given up and kept for a person. Only what identifies the ticket is required: the rest may be unreadable. */
async function createDeadLetters(db: Kysely<unknown>): Promise<void> {
  await sql`create table if not exists dead_letters (
    id bigint unsigned not null auto_increment,
    campaign ${id(63)} not null,
    seq bigint unsigned not null,
    epoch int unsigned not null,
    unit int unsigned null,
    user ${id(128)} null,
    admitted_at datetime(3) null,
    reason ${id(64)} not null,
    detail ${text('text')} not null,
    attempts int unsigned not null,
    trace_id ${id(32)} null,
    raw ${text('text')} null,
    state ${id(16)} not null default 'kept',
    created_at ${stamp},
    primary key (id),
    unique key dead_letters_one_per_ticket (campaign, epoch, seq),
    key dead_letters_state (campaign, state, id)
  ) ${table}`.execute(db);
}
