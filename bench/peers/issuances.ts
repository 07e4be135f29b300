// The ledger's table and rows, for peers that write them: the same columns, keys and value lengths as Sluice's own.
import { randomBytes } from 'node:crypto';
import { createPool, type Pool } from 'mysql2/promise';
import { couponCode } from '../../src/domain/coupon.ts';
import { userTag } from '../../src/domain/ids.ts';
import { crowd } from '../crowd.ts';

const couponKey = randomBytes(32);

export function openPool(url: string, connectionLimit: number): Pool {
  return createPool({ uri: url, connectionLimit, supportBigNumbers: true, timezone: 'Z' });
}

/** Creates the table when it is not there, and the stock row that a row-lock design needs. */
export async function createTables(pool: Pool): Promise<void> {
  await pool.query(`create table if not exists issuances (
    campaign varchar(63) character set ascii collate ascii_bin not null,
    unit int unsigned not null,
    user varchar(128) character set ascii collate ascii_bin not null,
    seq bigint unsigned not null,
    epoch int unsigned not null,
    code char(16) character set ascii collate ascii_bin not null,
    admitted_at datetime(3) not null,
    issued_at datetime(6) not null default current_timestamp(6),
    primary key (campaign, unit), unique key (campaign, user), unique key (code)) engine=InnoDB`);
  await pool.query(`create table if not exists stocks (
    campaign varchar(63) character set ascii collate ascii_bin primary key,
    remaining int unsigned not null) engine=InnoDB`);
}

export const COLUMNS = '(campaign, unit, user, seq, epoch, code, admitted_at)';
export type Row = [string, number, string, number, number, string, string];

/** The row of ticket `unit` (1-based) of a campaign; users come scattered, as a crowd does. */
export function rowOf(campaign: string, unit: number, admittedAt: string): Row {
  const user = crowd(campaign, unit);
  const code = couponCode(couponKey, campaign, unit, userTag(campaign, user));
  return [campaign, unit, user, unit, 1, code, admittedAt];
}

export const sqlTime = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 23).replace('T', ' ');
