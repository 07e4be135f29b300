import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { startProgram } from '../helpers/processes.ts';
import { joinCampaign, MAIN, openCampaign, openPlace, startSluice } from './sluice.ts';

const START = [...MAIN, '--no-rehearsal'];

test('a second start on the same data folder is refused with what to do, and the first one goes on', async (t) => {
  const place = await openPlace(t);
  const first = await startSluice(t, place);
  const second = startProgram(t, START, { ...place.environment, PORT: '0', ADMIN_PORT: '0' });
  expect(await second.ended).toMatchObject({ code: 1 });
  expect(second.output()).toContain(
    `a Sluice (pid ${first.pid}) is already running on the data folder ${place.dataDir}; stop it, or set DATA_DIR to another folder`,
  );
  expect(second.output()).not.toMatch(/^ +at .*:\d+:\d+/m);
  await openCampaign(first, 'unharmed', 1);
  expect((await joinCampaign(first, 'unharmed', 'ada')).status).toBe(202);
});

test('a wrong configuration is told in full, before anything opens, with exit code 78', async (t) => {
  const { environment } = await openPlace(t);
  const wrong = { PORT: '70000', WORKERS: 'many', DURABILITY: 'eternal', REDIS_URL: 'http://x', COUPON_KEY: 'short' };
  const program = startProgram(t, START, { ...environment, ...wrong });
  expect(await program.ended).toMatchObject({ code: 78 });
  for (const name of Object.keys(wrong)) expect(program.output()).toMatch(new RegExp(`^  ${name}: `, 'm'));
  expect(program.output()).not.toMatch(/^ +at /m);
});

test('a production without its secrets is refused, with each of them named', async (t) => {
  const { environment } = await openPlace(t);
  const program = startProgram(t, START, { ...environment, SLUICE_PROFILE: 'production' });
  expect(await program.ended).toMatchObject({ code: 78 });
  for (const name of ['REDIS_URL', 'DATABASE_URL', 'ADMIN_TOKEN', 'TICKET_KEYS', 'COUPON_KEY', 'GATEWAY_SECRET'])
    expect(program.output()).toMatch(new RegExp(`^  ${name}: this (process|front) needs `, 'm'));
});

test.for(['PORT', 'ADMIN_PORT'])('a %s that is taken is named, and nothing is left running', async (name, t) => {
  const { environment } = await openPlace(t);
  const intruder = createServer();
  await new Promise<void>((resolve) => intruder.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => void intruder.close());
  const { port } = intruder.address() as { port: number };
  const program = startProgram(t, START, { ...environment, [name]: String(port) });
  expect(await program.ended).toMatchObject({ code: 1 });
  expect(program.output()).toMatch(new RegExp(`port ${port} .*in use.*${name}`));
  expect(program.output()).not.toMatch(/^ +at .*:\d+:\d+/m);
});
