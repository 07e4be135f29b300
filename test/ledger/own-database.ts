// A database of a test file's own, with the ledger's tables, dropped when its tests are over.
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, expect, type TestContext } from 'vitest';
import { migrate } from '../../src/ledger/migrate.ts';
import { type Ledger, type LedgerOptions, openLedger } from '../../src/ledger/pool.ts';
import { databaseUrl, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';

export interface OwnDatabase {
  url: () => string;
  /** A ledger on it, closed when the file's tests are over. */
  open: (options?: Partial<LedgerOptions>) => Ledger;
  /** Raw statements, past everything that is ours. */
  sql: (statement: string, params?: unknown[]) => Promise<Record<string, unknown>[]>;
  /** Each row of the ledger meets this trigger before it is written, until the test ends or what is returned is called. */
  beforeEachRow: (t: TestContext, name: string, body: string) => Promise<() => Promise<void>>;
}

const OPTIONS = { name: 'test', connectionMax: 4, queueMax: 100, acquireMs: 5_000, statementMs: 15_000 };

/** Call at the top of a test file. */
export function ownDatabase(): OwnDatabase {
  const name = uniqueName('ledger').replace('-', '_');
  const url = () => Object.assign(new URL(databaseUrl()), { pathname: `/${name}` }).href;
  const ledgers: Ledger[] = [];
  let raw: mysql.Connection;
  const open = (options: Partial<LedgerOptions> = {}) => {
    const ledger = openLedger({ ...OPTIONS, url: url(), ...options });
    ledgers.push(ledger);
    return ledger;
  };
  beforeAll(async () => {
    raw = await mysql.createConnection({ uri: databaseUrl() });
    await raw.query(`CREATE DATABASE ${name}`);
    await raw.query(`USE ${name}`);
    await migrate(open());
  });
  afterAll(async () => {
    await Promise.all(ledgers.map((ledger) => ledger.close()));
    await raw.query(`DROP DATABASE ${name}`);
    await raw.end();
  });
  const sql = async (statement: string, params: unknown[] = []) =>
    (await raw.query(statement, params))[0] as Record<string, unknown>[];
  const beforeEachRow = async (t: TestContext, name: string, body: string) => {
    const drop = async () => void (await sql(`DROP TRIGGER IF EXISTS ${name}`));
    t.onTestFinished(drop);
    await drop();
    await sql(`CREATE TRIGGER ${name} BEFORE INSERT ON issuances FOR EACH ROW ${body}`);
    return drop;
  };
  return { url, open, sql, beforeEachRow };
}

/** Resolves once `check` holds. */
export async function eventually(check: () => Promise<boolean> | boolean): Promise<void> {
  await until(check.toString(), check);
}

/** That the ledger's clock said `at`, epoch ms, between `from` and now; it may round to the second. */
export function expectBetween(from: number, at: number): void {
  expect(at).toBeGreaterThan(from - 1_000);
  expect(Date.now() + 1_000).toBeGreaterThan(at);
}
