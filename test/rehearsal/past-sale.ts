// A sale that has happened, as a log and as rows: honest until a test changes one of them.
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { LedgerRow } from '../../src/rehearsal/ledger-reader.ts';
import { createLog, type JoinAnswer, type Log } from '../../src/rehearsal/log.ts';
import { databaseUrl, uniqueName } from '../helpers/services.ts';

export interface PastSale {
  stock: number;
  log: Log;
  rows: LedgerRow[];
  deadLetterSeqs: number[];
}

const EPOCH_US = Date.parse('2026-11-21T10:00:00Z') * 1000;

/** Ten buyers for six units, one join a ms: u0 to u5 hold seqs 1 to 6, followed to the end; u6 to u9 were refused. */
export function honestSale(): PastSale {
  const sale: PastSale = { stock: 6, log: createLog(), rows: [], deadLetterSeqs: [] };
  for (let i = 0; i < 10; i += 1) {
    const seq = i + 1;
    const user = `u${i}`;
    sale.log.joins.push(i < 6 ? accepted(user, seq, i) : refused(user, i));
    if (i >= 6) continue;
    sale.rows.push({
      unit: seq,
      user,
      seq,
      code: `CODE${seq}`,
      admittedAtUs: EPOCH_US,
      issuedAtUs: EPOCH_US + seq * 1000,
    });
    sale.log.polled.add(user);
    const sighting = { user, ticket: `ticket${seq}`, seenMs: 50 };
    sale.log.sightings.push({ ...sighting, status: 'queued' });
    sale.log.sightings.push({ ...sighting, status: 'issued', code: `CODE${seq}`, unit: seq });
  }
  sale.log.endedMs = 100;
  return sale;
}

/** A join sent at `atMs` and answered 0.5 ms later. */
export const answered = (user: string, kind: JoinAnswer['kind'], status: number, atMs: number): JoinAnswer => ({
  user,
  kind,
  status,
  intendedMs: atMs,
  sentMs: atMs,
  answeredMs: atMs + 0.5,
  repeat: false,
});

export const accepted = (user: string, seq: number, atMs: number): JoinAnswer => ({
  ...answered(user, 'accepted', 202, atMs),
  ticket: `ticket${seq}`,
  seq,
});

export const refused = (user: string, atMs: number): JoinAnswer => answered(user, 'sold-out', 409, atMs);

export const silence = (user: string, atMs: number): JoinAnswer => answered(user, 'unknown', 0, atMs);

/** A database with the ledger's two tables but none of its keys, so that every breach can be written down. */
export async function openLedger(): Promise<{
  url: string;
  write(campaign: string, sale: PastSale): Promise<void>;
  execute(sql: string): Promise<void>;
  close(): Promise<void>;
}> {
  const name = uniqueName('rehearsal');
  const connection = await createConnection({ uri: databaseUrl(), timezone: 'Z' });
  await connection.query<RowDataPacket[]>(`CREATE DATABASE \`${name}\``);
  await connection.query(`USE \`${name}\``);
  await connection.query(
    `CREATE TABLE issuances (campaign VARCHAR(63), unit INT, user VARCHAR(128) COLLATE utf8mb4_bin, seq BIGINT UNSIGNED,
       code VARCHAR(32), admitted_at DATETIME(6), issued_at DATETIME(6))`,
  );
  await connection.query('CREATE TABLE dead_letters (campaign VARCHAR(63), seq BIGINT UNSIGNED)');
  const url = new URL(databaseUrl());
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async write(campaign, { rows, deadLetterSeqs }) {
      for (const { unit, user, seq, code, admittedAtUs, issuedAtUs } of rows) {
        const row = [campaign, unit, user, seq, code, admittedAtUs, issuedAtUs];
        const at = `TIMESTAMP('1970-01-01') + INTERVAL ? MICROSECOND`;
        await connection.query(`INSERT INTO issuances VALUES (?, ?, ?, ?, ?, ${at}, ${at})`, row);
      }
      for (const seq of deadLetterSeqs)
        await connection.query('INSERT INTO dead_letters VALUES (?, ?)', [campaign, seq]);
    },
    async execute(sql) {
      await connection.query(sql);
    },
    async close() {
      await connection.query(`DROP DATABASE \`${name}\``);
      await connection.end();
    },
  };
}
