// A database of a test file's own, with the ledger's tables, dropped when its tests are over.
import mysql from 'mysql2/promise';
import { afterAll, beforeAll } from 'vitest';
import { migrate } from '../../src/ledger/migrate.ts';
import { type Ledger, type LedgerOptions, openLedger } from '../../src/ledger/pool.ts';
import { databaseUrl, uniqueName } from '../helpers/services.ts';

export interface OwnDatabase {
  url: () => string;
  /** A ledger on it, closed when the file's tests are over. */
  open: (options?: Partial<LedgerOptions>) => Ledger;
  /** Raw statements, past everything that is ours. */
  sql: (statement: string, params?: unknown[]) => Promise<Record<string, unknown>[]>;
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
  return { url, open, sql };
}

/** Resolves once `check` holds; rejects after `withinMs`. */
export async function eventually(check: () => Promise<boolean> | boolean, withinMs = 5_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!(await check())) {
    if (performance.now() > giveUpAt) throw new Error(`not so within ${withinMs} ms: ${check.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
