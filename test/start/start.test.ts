import { expect, test } from 'vitest';
import { identityOf } from '../../src/local/process-identity.ts';
import { descendantsOf, startProgram } from '../helpers/processes.ts';
import { joinCampaign, MAIN, openCampaign, openPlace, poll, startSluice, stillThere, untilIssued } from './sluice.ts';

const familyOf = (pid: number) => descendantsOf(pid).flatMap((child) => identityOf(child) ?? []);

test('the first start shows where everything is, rehearses a sale that is kept, and serves', async (t) => {
  const place = await openPlace(t);
  const sluice = await startSluice(t, place, { command: MAIN });
  const output = sluice.output();
  expect(output).toMatch(/admin token +\S{32}/);
  expect(output).toMatch(/(redis|valkey) \d+\.\d+\.\d+, private, port \d+/);
  expect(output).toMatch(/(MariaDB|MySQL) \d+\.\d+\.\d+, private, port \d+/);
  expect(output).toMatch(/accepted \(202\) +1,000 answers/);
  expect(output).toMatch(/^verdict: KEPT$/m);
  await openCampaign(sluice, 'first', 3);
  const joined = await joinCampaign(sluice, 'first', 'ada');
  expect(joined.status).toBe(202);
  expect(await untilIssued(sluice, joined.body.ticket)).toMatchObject({ unit: 1 });

  const family = sluice.family();
  expect(family.length).toBeGreaterThanOrEqual(3);
  const { code } = await sluice.end('SIGTERM');
  expect(code).toBe(0);
  expect(stillThere(family)).toEqual([]);

  const again = await startSluice(t, place, { command: MAIN });
  expect(again.output()).not.toMatch(/rehears(al|ed) first|verdict/);
  expect((await poll(again, joined.body.ticket)).body.status).toBe('issued');
});

test('Ctrl-C leaves nothing behind and exits with 0 while clients are still there', async (t) => {
  const sluice = await startSluice(t, await openPlace(t));
  await openCampaign(sluice, 'crowd', 1_000);
  let last: { status: number } | undefined;
  let asking = true;
  const crowd = (async () => {
    for (let user = 0; asking; user += 1) {
      const answer = await joinCampaign(sluice, 'crowd', `user-${user}`).catch(() => undefined);
      if (answer === undefined) return;
      last = answer;
    }
  })();
  await expect.poll(() => last?.status).toBe(202);
  const family = sluice.family();
  // As a terminal does it: to the whole group.
  process.kill(-sluice.pid, 'SIGINT');
  const { code } = await sluice.ended;
  asking = false;
  await crowd;
  expect(code).toBe(0);
  expect(stillThere(family)).toEqual([]);
});

test('SIGTERM to npm start itself ends all of it', async (t) => {
  const place = await openPlace(t);
  const sluice = await startSluice(t, place, { command: ['npm', 'start', '--', '--no-rehearsal'] });
  const family = sluice.family();
  expect(family.length).toBeGreaterThanOrEqual(4);
  await sluice.end('SIGTERM');
  await expect.poll(() => stillThere(family)).toEqual([]);
});

test('a stop during the rehearsal ends it too', async (t) => {
  const { environment } = await openPlace(t);
  const program = startProgram(t, MAIN, environment);
  await expect.poll(program.output).toMatch(/of 5,000 buyers joined/);
  const { code } = await program.end('SIGTERM');
  expect(code).toBe(0);
  expect(program.output()).not.toMatch(/^Ready/m);
});

test('a stop while its servers start leaves nothing behind', async (t) => {
  const { environment } = await openPlace(t);
  const program = startProgram(t, [...MAIN, '--no-rehearsal'], environment);
  await expect.poll(() => familyOf(program.pid).length, { interval: 5 }).toBeGreaterThan(0);
  const family = familyOf(program.pid);
  const { code } = await program.end('SIGTERM');
  expect(code).toBe(0);
  expect(stillThere(family)).toEqual([]);
});
