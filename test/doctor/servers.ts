// Servers that are set up wrongly on purpose, and the two who look at them: a process that starts, and the command.
import mysql from 'mysql2/promise';
import type { TestContext } from 'vitest';
import type { Finding } from '../../src/doctor/finding.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { openLedger } from '../../src/ledger/pool.ts';
import { sluice } from '../cli/sluice.ts';
import { COUPON_KEY, type Stores, startProgram } from '../helpers/processes.ts';
import { databaseUrl, temporaryFolder, uniqueName } from '../helpers/services.ts';

const LEDGER = { name: 'test', connectionMax: 1, queueMax: 0, acquireMs: 5_000, statementMs: 20_000 };

/** A ledger of the test's own on the shared server (or on that of `server`), closed when the test ends. */
export function openTestLedger(t: TestContext, url: string) {
  const ledger = openLedger({ ...LEDGER, url });
  t.onTestFinished(() => ledger.close());
  return ledger;
}

/** An empty database on the shared server, dropped when the test ends. */
export async function emptyDatabase(t: TestContext): Promise<string> {
  const name = uniqueName('doctor').replace('-', '_');
  await sql(databaseUrl(), `CREATE DATABASE ${name}`);
  t.onTestFinished(() => sql(databaseUrl(), `DROP DATABASE ${name}`));
  return Object.assign(new URL(databaseUrl()), { pathname: `/${name}` }).href;
}

/** The same with the tables of a ledger. */
export async function migratedDatabase(t: TestContext): Promise<string> {
  const url = await emptyDatabase(t);
  await using ledger = openLedger({ ...LEDGER, url });
  await migrate(ledger);
  return url;
}

/** One statement after the other, past everything that is ours. */
export async function sql(url: string, ...statements: string[]): Promise<void> {
  const connection = await mysql.createConnection({ uri: url });
  try {
    for (const statement of statements) await connection.query(statement);
  } finally {
    await connection.end();
  }
}

/** Who starts, behind a command that sets it up; how it went, and what it printed. */
export async function startOf(
  t: TestContext,
  program: 'src/main.ts' | 'workers/main.ts',
  stores: Stores,
  environment: Record<string, string> = {},
  wrapper: readonly string[] = [],
) {
  const options = program === 'src/main.ts' ? ['--no-rehearsal'] : [];
  const started = startProgram(t, [...wrapper, process.execPath, program, ...options], {
    ...environmentOf(stores),
    DATA_DIR: await temporaryFolder(t),
    ...environment,
  });
  return started;
}

const environmentOf = ({ redisUrl, databaseUrl }: Stores) => ({
  REDIS_URL: redisUrl,
  DATABASE_URL: databaseUrl,
  COUPON_KEY,
  TELEMETRY: 'off',
  PORT: '0',
  ADMIN_PORT: '0',
  WORKERS: '0',
});

/** What `sluice doctor --json` says about these stores. */
export async function examined(stores: Stores, environment: Record<string, string> = {}) {
  const { code, out, err } = await sluice(['doctor', '--json'], { ...environmentOf(stores), ...environment });
  const report = JSON.parse(out || '{}') as { exitCode: number; counts: object; findings: Finding[] };
  const named = (name: string) => report.findings.find(({ check }) => check === name);
  return { code, out, err, report, named };
}
