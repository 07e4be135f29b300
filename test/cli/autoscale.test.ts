// `npx sluice autoscale`: workers without a front.
import { expect, test } from 'vitest';
import { identityOf } from '../../src/local/process-identity.ts';
import { COUPON_KEY, commandOf, descendantsOf, startProgram, untilPrinted } from '../helpers/processes.ts';
import { redisUrl } from '../helpers/services.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { stillThere } from '../start/sluice.ts';

const database = ownDatabase();
const AUTOSCALE = [process.execPath, 'src/cli.ts', 'autoscale'];

test('without addresses and key it names all that is missing, exit code 78', async (t) => {
  const program = startProgram(t, AUTOSCALE, { WORKERS_MIN: '5' });
  expect(await program.ended).toMatchObject({ code: 78 });
  for (const name of ['REDIS_URL', 'DATABASE_URL', 'COUPON_KEY'])
    expect(program.output()).toContain(`${name}: this process needs it, and it is not set`);
  expect(program.output()).toContain('WORKERS_MIN: is 5, more than WORKERS_MAX (4); set one of them');
});

test('it starts workers under names of its own, no more than the database has room for, and stops them', async (t) => {
  const program = startProgram(t, AUTOSCALE, {
    REDIS_URL: redisUrl(),
    DATABASE_URL: database.url(),
    COUPON_KEY,
    DURABILITY: 'memory',
    TELEMETRY: 'off',
    WORKER_NAME: 'here',
    WORKERS_MIN: '2',
    SCALE_SPARE_CONNECTIONS: '100000',
  });
  await untilPrinted(program, /^workers: 1 issue; SIGTERM stops them$/m);
  expect(program.output()).toMatch(
    /^workers: the database allows \d+ connections, \d+ are open, 100000 are left to others/m,
  );
  expect(program.output()).toMatch(/"worker":"here-1".*"msg":"issuing"/);
  const workers = descendantsOf(program.pid).flatMap((pid) => identityOf(pid) ?? []);
  expect(workers.map(({ pid }) => commandOf(pid))).toEqual([expect.stringMatching(/workers\/main\.ts$/)]);
  expect(await program.end()).toMatchObject({ code: 0 });
  expect(stillThere(workers)).toEqual([]);
});
