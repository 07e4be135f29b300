import { expect, test } from 'vitest';
import { hold, start } from './run.ts';
import { at, type Flaw, startSmallSale } from './small-sale.ts';

const patience = { timeout: 100_000 };

test('a kept sale ends in a table, a closed campaign and exit code 0', patience, async (t) => {
  const sale = await startSmallSale(t);
  const { code, stdout, stderr } = await hold(
    t,
    at(sale, '--shards', '4', '--admission-rate', '500', '--backlog-max', '9'),
  );
  expect(stderr).toMatch(/300 of 300 buyers joined · 100 accepted · 100 seen issued/);
  expect(stdout).toMatch(/accepted \(202\) +100 answers/);
  expect(stdout).toMatch(/refused: sold-out +2\d\d answers/);
  expect(stdout).toMatch(/issued +100 tickets/);
  expect(stdout).toMatch(/verdict: KEPT\n$/);
  expect(code).toBe(0);
  const [made, closed] = sale.adminCalls;
  const { id, ...body } = JSON.parse(made!.body);
  expect(id).toMatch(/^rehearsal-[a-z0-9]+-[a-z0-9]{6}$/);
  expect(body).toEqual({ stock: 100, shards: 4, ratePerSecond: 500, backlogMax: 9 });
  expect(closed).toMatchObject({ path: `/admin/campaigns/${id}/close`, authorization: 'Bearer right' });
});

test.for([
  // Rows that never come are waited for until the deadline.
  ['loses every tenth row', ['P2'], 'lost', 10, ['--deadline', '5']],
  ['says sold out one unit early', ['P3'], 'refused too early', 201, []],
] as const)(
  'a sale that %s is caught, exit code 1, as JSON alone',
  patience,
  async ([flaw, promises, name, count, more], t) => {
    const sale = await startSmallSale(t, flaw satisfies Flaw);
    const { code, stdout, stderr } = await hold(t, at(sale, '--json', '--quiet', '--repeat', '0', '--keep', ...more));
    const verdict = JSON.parse(stdout);
    expect(verdict).toMatchObject({ verdict: 'BROKEN', brokenPromises: promises });
    expect(verdict.findings.find((finding: { name: string }) => finding.name === name)).toMatchObject({ count });
    expect(stderr).toBe('');
    expect(code).toBe(1);
    expect(sale.adminCalls).toHaveLength(1);
  },
);

test('an interrupted rehearsal closes its campaign and prints what was seen, exit code 130', patience, async (t) => {
  const sale = await startSmallSale(t);
  const run = start(t, at(sale, '--rate', '20', '--json'));
  await expect.poll(() => run.stderr).toMatch(/[1-9]\d* of 300 buyers joined/);
  run.child.kill('SIGINT');
  expect(await run.code).toBe(130);
  expect(JSON.parse(run.stdout)).toMatchObject({ verdict: 'INTERRUPTED' });
  expect(JSON.parse(run.stdout).acceptedCount).toBeGreaterThan(0);
  expect(sale.adminCalls.at(-1)?.path).toMatch(/\/close$/);
});

test('what cannot be run says what to do, exit code 2', async (t) => {
  const sale = await startSmallSale(t);
  const cases: [argv: string[], says: RegExp][] = [
    [[], /missing the admin token: .*npm start/],
    [at(sale, '--admin-url', 'http://127.0.0.1:1'), /admin API did not answer .*npm start/],
    [at(sale, '--database-url', 'mysql://root@127.0.0.1:1/x'), /ledger cannot be read.*DATABASE_URL/],
  ];
  const runs = await Promise.all(cases.map(async ([argv, says]) => ({ says, ...(await hold(t, argv)) })));
  for (const { says, stderr, stdout, code } of runs) {
    expect(stderr).toMatch(says);
    expect(stderr.split('\n')).toHaveLength(2); // one line: nothing was made, so nothing is left to be closed
    expect(stdout).toBe('');
    expect(code).toBe(2);
  }
});

test('a service that answers no buyer was not rehearsed, exit code 2', async (t) => {
  const sale = await startSmallSale(t, 'never answers a join');
  const { code, stderr } = await hold(t, at(sale));
  expect(stderr).toMatch(/no buyer got a final answer/);
  expect(code).toBe(2);
});

test('bad arguments are listed together, exit code 78, and --help is none', async (t) => {
  const [bad, help] = await Promise.all([hold(t, ['--buyers', 'x', '--nope']), hold(t, ['--help'])]);
  expect(bad.stderr).toMatch(/cannot start:\n {2}- --buyers must .*\n {2}- --nope does not exist/);
  expect(bad.code).toBe(78);
  expect(help.stdout).toMatch(/Exit codes: 0 promises kept/);
  expect(help.code).toBe(0);
});
