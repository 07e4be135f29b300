import { expect, type TestContext, test } from 'vitest';
import { createLedgerGuard } from '../../src/ledger/guard.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { openLedger } from '../../src/ledger/pool.ts';
import { limits } from '../../src/process/limits.ts';
import { startDatabase } from '../helpers/services.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from './own-database.ts';

const database = ownDatabase();
const said = (work: Promise<unknown>) => work.catch((error: unknown) => error);

function guarded(t: TestContext, ledger: ReturnType<typeof openLedger>) {
  const guard = createLedgerGuard(ledger);
  t.onTestFinished(() => guard[Symbol.dispose]());
  return guard;
}

test('after an outage work begins with one statement at a time, then two, then four, up to its connections', async (t) => {
  const proxy = await startTcpProxy(t, database.url());
  const ledger = database.open({ url: proxy.url, connectionMax: 9, acquireMs: 1_000, statementMs: 1_000 });
  const guard = guarded(t, ledger);
  const widths: number[] = [];
  let workingCount = 0;
  const work = async () => {
    workingCount += 1;
    widths.push(workingCount);
    try {
      await ledger.run('DO SLEEP(0.02)', []);
    } finally {
      workingCount -= 1;
    }
  };
  await Promise.all(Array.from({ length: 20 }, () => guard.run(work)));
  expect(Math.max(...widths)).toBe(8);

  proxy.set('reset');
  for (let i = 0; i < limits.ledgerFaultsMax; i += 1) await said(guard.run(work));
  expect([guard.breaker.isOpen(), guard.width()]).toEqual([true, 1]);
  widths.length = 0;
  expect(await said(guard.run(work))).toMatchObject({ code: 'ledger-unavailable', retryable: true });
  expect(widths).toEqual([]);

  proxy.set('pass');
  await guard.breaker.untilClosed(AbortSignal.timeout(5_000));
  await Promise.all(Array.from({ length: 40 }, () => guard.run(work)));
  expect(widths.slice(0, 3)).toEqual([1, 1, 2]);
  expect(Math.max(...widths)).toBe(8);
  expect(guard.breaker.openedCount()).toBe(1);
});

test('a deadlock, a lock wait, a duplicate and a missing tranche are no outage', async (t) => {
  const ledger = database.open();
  const guard = guarded(t, ledger);
  await database.sql('CREATE TABLE once (id INT PRIMARY KEY)');
  const signal = (errno: number) => `SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = ${errno}, MESSAGE_TEXT = 'on purpose'`;
  const statements = [
    signal(1213),
    signal(1205),
    signal(1452),
    'INSERT INTO once VALUES (1), (1)',
    "INSERT INTO once VALUES ('x')",
  ];
  for (const statement of [...statements, ...statements]) {
    expect(await said(guard.run(() => ledger.run(statement, [])))).toMatchObject({ name: 'Fault' });
  }
  expect([guard.breaker.openedCount(), guard.width()]).toEqual([0, 3]);
});

test('a server that takes no writes is away until it does', async (t) => {
  const server = await startDatabase(t);
  const root = openLedger({
    url: server.url,
    name: 'root',
    connectionMax: 2,
    queueMax: 9,
    acquireMs: 2_000,
    statementMs: 2_000,
  });
  t.onTestFinished(() => root.close());
  await migrate(root);
  await root.run("CREATE USER plain@'127.0.0.1' IDENTIFIED BY 'pw'", []);
  await root.run("GRANT SELECT, INSERT, UPDATE ON sluice.* TO plain@'127.0.0.1'", []);
  const url = Object.assign(new URL(server.url), { username: 'plain', password: 'pw' }).href;
  const ledger = openLedger({ url, name: 'test', connectionMax: 2, queueMax: 9, acquireMs: 2_000, statementMs: 2_000 });
  t.onTestFinished(() => ledger.close());
  const guard = guarded(t, ledger);
  const write = () => guard.run(() => ledger.run("UPDATE campaigns SET name = 'x' WHERE id = 'none'", []));
  await write();
  await root.run('SET GLOBAL read_only = 1', []);
  await until('it is open', 5_000, async () => {
    await said(write());
    return guard.breaker.isOpen();
  });
  // Reading works all the while; several probes must not be taken in by that.
  const openedAt = Date.now();
  await until('two probes', () => Date.now() - openedAt > 2.5 * limits.ledgerProbeMs);
  expect([guard.breaker.isOpen(), guard.breaker.openedCount()]).toEqual([true, 1]);
  await root.run('SET GLOBAL read_only = 0', []);
  await until('it is closed', 5_000, () => !guard.breaker.isOpen());
  await write();
});

test('a campaign with many batches holds up another one by the batch at work and one more', async (t) => {
  const guard = guarded(t, database.open({ connectionMax: 2 }));
  const done: string[] = [];
  const first = Promise.withResolvers<void>();
  const write = (of: string, until: Promise<void> = Promise.resolve()) =>
    guard.run(async () => {
      await until;
      done.push(of);
    }, of);
  const all = [write('big', first.promise), ...Array.from({ length: 5 }, () => write('big')), write('quiet')];
  first.resolve();
  await Promise.all(all);
  expect(done.indexOf('quiet')).toBe(2);
  expect(done).toHaveLength(7);
});

test('a campaign whose batches are all at work leaves a connection for another one', async (t) => {
  const guard = guarded(t, database.open({ connectionMax: 5 }));
  const end = Promise.withResolvers<void>();
  let workingCount = 0;
  const work = async () => {
    workingCount += 1;
    await end.promise;
  };
  const big = Array.from({ length: 10 }, () => guard.run(work, 'big'));
  // It waits for no batch of the other one: none has ended yet.
  await guard.run(async () => undefined, 'quiet');
  expect(workingCount).toBe(3);
  end.resolve();
  await Promise.all(big);
  expect(workingCount).toBe(10);
});
