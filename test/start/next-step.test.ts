// What is printed or written down to be pasted works when it is pasted.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { ran } from '../cli/sluice.ts';
import { freePort } from '../helpers/free-port.ts';
import { startProgram, untilPrinted } from '../helpers/processes.ts';
import { startRedis, temporaryFolder, uniqueName } from '../helpers/services.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { MAIN } from './sluice.ts';

const database = ownDatabase();
const patience = { timeout: 180_000 };

test(
  'the rehearsal that is printed after Ready works in another terminal, on ports and a folder of its own',
  patience,
  async (t) => {
    const { program, environment } = await startHere(t);
    const [, printed] = await untilPrinted(program, /^ {2}(.*npm run rehearse -- .*)$/m);
    const { code, out, err } = await shell(smaller(printed!), {});
    expect([code, out], err).toEqual([0, expect.stringContaining('verdict: KEPT')]);
    const { PORT, ADMIN_PORT, DATA_DIR } = environment;
    const bySettings = await shell(smaller('npm run rehearse -- --buyers 20000 --stock 5000'), {
      PORT,
      ADMIN_PORT,
      DATA_DIR,
    });
    expect(bySettings.code, bySettings.err).toBe(0);
  },
);

test(
  'a service behind a gateway is rehearsed with its secret, and without it refuses: no promise is broken',
  patience,
  async (t) => {
    const secret = 'the-secret-of-the-gateway';
    const { program, environment } = await startHere(t, { GATEWAY_SECRET: secret });
    const [, printed] = await untilPrinted(program, /^ {2}(.*npm run rehearse -- .*)$/m);
    expect(program.output()).toMatch(/needs these settings of this one: GATEWAY_SECRET\)/);
    const { code, err } = await shell(smaller(printed!), {});
    expect([code, err]).toEqual([77, expect.stringMatching(/refused a buyer \(401 .*--gateway-secret-file/)]);
    const known = await shell(smaller(printed!), { GATEWAY_SECRET: secret });
    expect(known.code, known.err).toBe(0);
    expect(environment.GATEWAY_SECRET).toBe(secret);
  },
);

test('without workers the banner says that nothing is issued, and no rehearsal is begun', patience, async (t) => {
  const { program } = await startHere(t, { WORKERS: '0' }, MAIN);
  expect(program.output()).toMatch(
    /^ {2}workers +0 started here, none on this Redis: tickets wait and are not issued/m,
  );
  expect(program.output()).not.toMatch(/First a rehearsal/);
});

test('the lines of the README for a sale by hand work as they stand', patience, async (t) => {
  const { environment } = await startHere(t);
  const { PORT, ADMIN_PORT, DATA_DIR } = environment;
  const readme = await readFile('README.md', 'utf8');
  const section = readme.slice(readme.indexOf('### A sale by hand'), readme.indexOf('### Doctor'));
  const blocks = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block);
  const lines = blocks
    .join('')
    .replaceAll('localhost:8080', `localhost:${PORT}`)
    .replaceAll('localhost:8081', `localhost:${ADMIN_PORT}`)
    .replaceAll('spring-sale', uniqueName('spring'))
    .replaceAll('summer-sale', uniqueName('summer'));
  const home = await temporaryFolder(t);
  const env = { PORT, ADMIN_PORT, DATA_DIR, HOME: home, npm_config_offline: 'true' };
  const { code, out, err } = await shell(lines, env);
  expect(code, err).toBe(0);
  expect(out).toMatch(/^\{"id":"spring-\w+".*"stock":2,/);
  expect(out).toMatch(/HTTP\/1\.1 202 Accepted\r$/m);
  expect(out).toMatch(/"status":"(queued|issued)"/);
  expect(out).toMatch(/"phase":"open"/);
  expect(out).toMatch(/Created campaign summer-\w+ with 2 units\./);
  expect(out).toMatch(/^Added 3 units; stock is now 5 units\. Sending key wave-2 again adds nothing\.$/m);
  expect(out).toMatch(/^There are no dead letters\.$/m);
});

/** A front with a worker on stores of its own (the worker would issue the tickets of other tests), in a folder whose name a shell would take for two words. */
async function startHere(t: TestContext, more: Record<string, string> = {}, command = [...MAIN, '--no-rehearsal']) {
  const environment: Record<string, string> = {
    REDIS_URL: (await startRedis(t)).url,
    DATABASE_URL: database.url(),
    DURABILITY: 'memory',
    DATA_DIR: join(await temporaryFolder(t), 'a folder'),
    PORT: String(await freePort()),
    ADMIN_PORT: String(await freePort()),
    TELEMETRY: 'off',
    ...more,
  };
  const program = startProgram(t, command, environment);
  await untilPrinted(program, /^Ready\. /m, 90_000);
  return { program, environment };
}

/** A crowd that a busy machine can bear, and without npm, which would look for packages first. */
const smaller = (command: string): string =>
  command
    .replace('npm run rehearse --', 'node src/rehearsal/main.ts')
    .replace('20000', '100 --rate 100')
    .replace('5000', '20');

const shell = (lines: string, env: Record<string, string | undefined>) =>
  ran('bash', ['--norc', '-ec', lines], { PATH: process.env.PATH, ...env });
