import { createServer } from 'node:net';
import mysql from 'mysql2/promise';
import { expect, test } from 'vitest';
import { kindOf } from '../../src/ledger/errors.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { startDatabase } from '../helpers/services.ts';
import { eventually, ownDatabase } from './own-database.ts';
import { openSale, tally } from './sale.ts';

const database = ownDatabase();
const faultOf = (work: Promise<unknown>) => work.catch((error: unknown) => error);

/** Holds a connection of the ledger until its `free` is called. */
function hold(ledger: ReturnType<typeof database.open>) {
  const { promise, resolve: free } = Promise.withResolvers<void>();
  return { held: ledger.onOneConnection(() => promise, 15_000), free };
}

test('every session is strict, READ COMMITTED, in UTC, and waits 3 s for a lock', async () => {
  const ledger = database.open({ statementMs: 7_000 });
  const { rows } = await ledger.run(
    `SELECT @@session.sql_mode AS mode, @@session.time_zone AS zone, @@session.innodb_lock_wait_timeout AS lockWait,
      @@session.foreign_key_checks AS foreignKeys, @@session.autocommit AS autocommit`,
    [],
  );
  expect(rows[0]).toMatchObject({ zone: '+00:00', lockWait: 3, foreignKeys: 1, autocommit: 1 });
  expect(rows[0]!.mode).toContain('STRICT_ALL_TABLES');
  const { rows: isolation } = await ledger.run(
    "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')",
    [],
  );
  expect(isolation.map((row) => row.Value)).toContain('READ-COMMITTED');
  const { rows: limit } = await ledger.run(
    "SHOW SESSION VARIABLES WHERE Variable_name IN ('max_statement_time', 'max_execution_time')",
    [],
  );
  expect(limit.map((row) => Number(row.Value))).toContain(limit[0]!.Variable_name === 'max_statement_time' ? 7 : 7_000);
});

test('who waits longer than the acquire deadline is told so in time, and the late connection is not lost', async () => {
  const ledger = database.open({ connectionMax: 1, acquireMs: 150 });
  const { held, free } = hold(ledger);
  await eventually(() => ledger.usage().inUseCount === 1);
  const faults = await Promise.all([1, 2, 3].map(() => faultOf(ledger.run('SELECT 1', []))));
  for (const fault of faults) expect(fault).toMatchObject({ code: 'ledger-unavailable', retryable: true });
  expect(ledger.usage()).toEqual({ inUseCount: 1, waitingCount: 0 });
  free();
  await held;
  // The three who gave up are handed the connection first: if one of them kept it, nobody would get another.
  const { rows } = await ledger.run('SELECT 1 AS one', []);
  expect(rows).toEqual([{ one: 1 }]);
  expect(ledger.usage()).toEqual({ inUseCount: 0, waitingCount: 0 });
});

test('callers beyond the queue are refused at once', async () => {
  const ledger = database.open({ connectionMax: 1, queueMax: 1, acquireMs: 10_000 });
  const { held, free } = hold(ledger);
  await eventually(() => ledger.usage().inUseCount === 1);
  const waiting = ledger.run('SELECT 1', []);
  const fault = await faultOf(ledger.run('SELECT 1', []));
  expect(fault).toMatchObject({ code: 'ledger-unavailable', retryable: true });
  free();
  await Promise.all([held, waiting]);
});

test('a statement beyond its deadline is unknown, and its connection is gone', async () => {
  const ledger = database.open({ connectionMax: 1, statementMs: 200 });
  const connectionId = async () => (await ledger.run('SELECT CONNECTION_ID() AS id', [])).rows[0]!.id;
  const before = await connectionId();
  const blocker = database.open();
  const sale = await openSale(blocker);
  await blocker.transaction(async (tx) => {
    await tx.selectFrom('campaigns').selectAll().where('id', '=', sale.id).forUpdate().execute();
    const update = ledger.db.updateTable('campaigns').set({ name: 'late' }).where('id', '=', sale.id).execute();
    expect(kindOf(await faultOf(update))).toBeOneOf(['unknown', 'down']);
  });
  expect(await connectionId()).not.toBe(before);
});

test('a ledger that is not there, or that never says a word, is a retryable fault within the deadline', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as { port: number };
  for (const host of ['127.0.0.1:1', `127.0.0.1:${port}`]) {
    const ledger = database.open({ url: Object.assign(new URL(database.url()), { host }).href, acquireMs: 200 });
    for (let attempt = 0; attempt < 6; attempt += 1) {
      expect(await faultOf(ledger.run('SELECT 1', []))).toMatchObject({ code: 'ledger-unavailable', retryable: true });
    }
    await ledger.close();
  }
  silent.close();
});

test('a killed connection takes its siblings along, and the next statement has a fresh one', async () => {
  const ledger = database.open({ connectionMax: 3 });
  const before = await Promise.all([1, 2, 3].map(() => ledger.run('SELECT CONNECTION_ID() AS id, SLEEP(0.1)', [])));
  const ids = before.map(({ rows }) => rows[0]!.id);
  const doomed = ledger.run('SELECT SLEEP(10) /* doomed */', []);
  const doomedId = async () =>
    (
      await database.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP(10) /* doomed%'")
    )[0]?.ID;
  await eventually(async () => (await doomedId()) !== undefined);
  await Promise.all([faultOf(doomed), database.sql('KILL ?', [await doomedId()])]);
  const after = await Promise.all([1, 2, 3].map(() => ledger.run('SELECT CONNECTION_ID() AS id, SLEEP(0.1)', [])));
  for (const { rows } of after) expect(ids).not.toContain(rows[0]!.id);
});

test('connections that the server closed while they were idle are replaced unseen', async () => {
  const ledger = database.open({ connectionMax: 2 });
  const { rows } = await ledger.run('SELECT CONNECTION_ID() AS id', []);
  await database.sql('KILL ?', [rows[0]!.id]);
  await eventually(async () => {
    const listed = await database.sql('SELECT ID FROM information_schema.PROCESSLIST WHERE ID = ?', [rows[0]!.id]);
    return listed.length === 0;
  });
  expect((await ledger.run('SELECT 2 AS two', [])).rows).toEqual([{ two: 2 }]);
});

test('a server demoted to read-only loses its connections, and is written to again once it may be', async (t) => {
  const own = await startDatabase(t);
  const admin = await mysql.createConnection(own.url);
  t.onTestFinished(() => admin.end());
  await admin.query("CREATE USER 'plain'@'127.0.0.1' IDENTIFIED BY 'plain'");
  await admin.query("GRANT ALL PRIVILEGES ON sluice.* TO 'plain'@'127.0.0.1'");
  const url = Object.assign(new URL(own.url), { username: 'plain', password: 'plain' }).href;
  const ledger = database.open({ url, connectionMax: 1 });
  t.onTestFinished(() => ledger.close());
  await migrate(ledger);
  const sale = await openSale(ledger);
  const connectionId = async () => (await ledger.run('SELECT CONNECTION_ID() AS id', [])).rows[0]!.id;
  const before = await connectionId();
  await admin.query('SET GLOBAL read_only = 1');
  expect(await faultOf(issueBatch(ledger, sale.rows(1, 3)))).toMatchObject({
    code: 'ledger-unavailable',
    retryable: true,
  });
  expect(await connectionId()).not.toBe(before);
  await admin.query('SET GLOBAL read_only = 0');
  expect(tally(await issueBatch(ledger, sale.rows(1, 3)))).toEqual({ issued: 3 });
});
