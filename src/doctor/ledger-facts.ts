// Asks MySQL or MariaDB what the promises rest on, on a connection of the pool: its session is what the service has.
import { readConnected } from '../ledger/connection-use.ts';
import { executedMigrations } from '../ledger/migrate.ts';
import type { Ledger } from '../ledger/pool.ts';
import { type ClockReading, type Fact, type Fields, factOf } from './finding.ts';

export interface LedgerFacts {
  clock: Fact<ClockReading>;
  /** SHOW VARIABLES: the values of our session where a variable has one. */
  variables: Fact<Fields>;
  /** Connections that the server has open, of every account. */
  connected: Fact<number>;
  migrations: Fact<{ executed: readonly string[]; known: readonly string[] }>;
  shape: Fact<IssuancesShape>;
}

/** What keeps the table of issuances from ever holding too much. */
export interface IssuancesShape {
  exists: boolean;
  /** Columns of each unique key, as `campaign,unit`. */
  uniqueKeys: readonly string[];
  /** `campaign,last_unit -> tranches(campaign,last_unit)`, each. */
  foreignKeys: readonly string[];
  checks: readonly { clause: string; enforced: boolean }[];
}

type Row = Record<string, unknown>;

/** One question after the other, the rest left out when the first gets no answer. Never rejects. */
export async function gatherLedgerFacts(ledger: Ledger): Promise<LedgerFacts> {
  const clock = await factOf(() => readClock(ledger));
  // Each question would wait for a connection as long as the first did.
  if ('untold' in clock) return { clock, variables: clock, connected: clock, migrations: clock, shape: clock };
  return {
    clock,
    variables: await factOf(() => readVariables(ledger)),
    connected: await factOf(() => toldConnected(ledger)),
    migrations: await factOf(() => executedMigrations(ledger)),
    shape: await factOf(() => readShape(ledger)),
  };
}

async function readClock(ledger: Ledger): Promise<ClockReading> {
  await ledger.run('SELECT 1', []); // the first statement of a pool connects
  const askedAt = Date.now();
  const { rows } = await ledger.run('SELECT UNIX_TIMESTAMP(NOW(6)) AS seconds', []);
  const doubtMs = (Date.now() - askedAt) / 2;
  return { aheadMs: Number(rows[0]!.seconds) * 1_000 - askedAt - doubtMs, doubtMs };
}

async function readVariables(ledger: Ledger): Promise<Fields> {
  const { rows } = await ledger.run('SHOW VARIABLES', []);
  return Object.fromEntries(rows.map((row) => [String(row.Variable_name), String(row.Value)]));
}

async function toldConnected(ledger: Ledger): Promise<number> {
  const connected = await readConnected(ledger);
  if (connected === undefined) throw new Error('the database does not say Threads_connected');
  return connected;
}

async function readShape(ledger: Ledger): Promise<IssuancesShape> {
  const ask = async (sql: string): Promise<Row[]> => (await ledger.run(sql, [])).rows;
  const ofIssuances = "TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'issuances'";
  const constraints = await ask(`SELECT * FROM information_schema.TABLE_CONSTRAINTS WHERE ${ofIssuances}`);
  // With SUB_PART a key covers the beginning of a column only: it then has another name than the column.
  const keyColumns = await ask(
    `SELECT INDEX_NAME AS name, CONCAT(COLUMN_NAME, IFNULL(CONCAT('(', SUB_PART, ')'), '')) AS \`column\`
      FROM information_schema.STATISTICS WHERE ${ofIssuances} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
  );
  const references = await ask(
    `SELECT CONSTRAINT_NAME AS name, COLUMN_NAME AS \`column\`, REFERENCED_TABLE_NAME AS parent,
      REFERENCED_COLUMN_NAME AS parentColumn FROM information_schema.KEY_COLUMN_USAGE
      WHERE ${ofIssuances} AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY CONSTRAINT_NAME, ORDINAL_POSITION`,
  );
  const clauses = await ask(
    `SELECT CONSTRAINT_NAME AS name, CHECK_CLAUSE AS clause FROM information_schema.CHECK_CONSTRAINTS
      WHERE CONSTRAINT_SCHEMA = DATABASE()`,
  );
  const enforced = new Map(constraints.map((row) => [row.CONSTRAINT_NAME, row.ENFORCED !== 'NO']));
  return {
    exists: constraints.length > 0 || keyColumns.length > 0 || (await tableExists(ask)),
    uniqueKeys: byName(keyColumns).map((rows) => joined(rows, 'column')),
    foreignKeys: byName(references).map(
      (rows) => `${joined(rows, 'column')} -> ${String(rows[0]!.parent)}(${joined(rows, 'parentColumn')})`,
    ),
    checks: clauses
      .filter(({ name }) => enforced.has(name))
      .map(({ name, clause }) => ({ clause: String(clause), enforced: enforced.get(name)! })),
  };
}

async function tableExists(ask: (sql: string) => Promise<Row[]>): Promise<boolean> {
  return (await ask("SHOW TABLES LIKE 'issuances'")).length > 0;
}

const byName = (rows: readonly Row[]): Row[][] => [...Map.groupBy(rows, ({ name }) => name).values()];
const joined = (rows: readonly Row[], field: string): string => rows.map((row) => String(row[field])).join(',');
