// What a front says of the workers that it starts itself.
import { createServer, type Server } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { descendantsOf, signalIfThere, startProgram, untilPrinted } from '../helpers/processes.ts';
import { until } from '../helpers/until.ts';
import { MAIN, openPlace, startSluice, stillThere } from './sluice.ts';

const START = [...MAIN, '--no-rehearsal'];

/** Two neighbouring ports, of which the second is taken as soon as `take` is called. */
async function neighbours(t: TestContext): Promise<{ first: number; take: () => Promise<unknown> }> {
  const [front, worker] = [createServer(), createServer()];
  t.onTestFinished(() => void worker.close());
  for (;;) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    if ((await listens(front, first)) && (await listens(worker, first + 1))) {
      await Promise.all([front, worker].map((server) => new Promise((resolve) => server.close(resolve))));
      return { first, take: () => until('the port is taken', 60_000, () => listens(worker, first + 1)) };
    }
    front.close();
  }
}

const listens = (server: Server, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });

test('a front whose worker cannot have its telemetry port fails with what to do, and leaves nothing behind', {
  timeout: 120_000,
}, async (t) => {
  const { environment } = await openPlace(t);
  const { first, take } = await neighbours(t);
  await take();
  const settings = { ...environment, TELEMETRY: 'on', TELEMETRY_PORT: String(first) };
  const program = startProgram(t, START, { ...settings, WORKERS: '2' });
  await until('it has started something', 60_000, () => descendantsOf(program.pid).length > 0);
  expect(await program.ended).toMatchObject({ code: 1 });
  const output = program.output();
  expect(output).toMatch(new RegExp(`port ${first + 1} of 127.0.0.1 is in use`));
  expect(output).toMatch(/^worker 1 ended before it was ready \(exit code 1\): fix what it printed above/m);
  expect(output).not.toMatch(/up again|Sluice sells at|^Ready/m);
  expect(output).not.toMatch(/^ +at .*:\d+:\d+/m);
});

test('a worker that cannot be started again is told by /readyz, and is not called up again', {
  timeout: 120_000,
}, async (t) => {
  const place = await openPlace(t);
  const { first, take } = await neighbours(t);
  place.environment.TELEMETRY = 'on';
  place.environment.TELEMETRY_PORT = String(first);
  const sluice = await startSluice(t, place);
  expect(sluice.output()).toMatch(/workers +1 started here, 1 ready on this Redis$/m);
  const warnings = async () => {
    const answer = await fetch(`${sluice.url}/readyz`);
    expect(answer.status).toBe(200);
    return ((await answer.json()) as { warnings: string[] }).warnings.toSorted();
  };
  expect(await warnings()).toEqual([]);
  const family = sluice.family();
  const worker = sluice.member(/workers\/main\.ts/);
  // Stopped first, so that its port is free for another before anybody starts it again.
  signalIfThere(worker.pid, 'SIGKILL');
  await take();
  await untilPrinted(
    sluice,
    /worker 1: ended before it was ready \(exit code 1\); starting it again in 400 ms/,
    60_000,
  );
  await until('it is missed', 60_000, async () =>
    (await warnings()).join() === 'no-worker-seen,own-worker-down:1' ? true : undefined,
  );
  expect(sluice.output()).not.toMatch(/up again/);
  expect((await sluice.end()).code).toBe(0);
  expect(stillThere(family)).toEqual([]);
});
