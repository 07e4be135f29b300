// What the machine has against the address of a listener is told in one line that names the setting.
import { spawnSync } from 'node:child_process';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { startOf } from '../doctor/servers.ts';
import { databaseUrl as sharedDatabase, redisUrl as sharedRedis } from '../helpers/services.ts';

async function portOf(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test.for([
  ['PORT', 'HOST'],
  ['ADMIN_PORT', 'ADMIN_HOST'],
  ['TELEMETRY_PORT', 'TELEMETRY_HOST'],
] as const)(
  'a %s that is taken, and a %s of another machine, are told by name',
  { timeout: 90_000 },
  async ([port, host], t) => {
    const taken = await portOf(t, createServer());
    const stores = { redisUrl: sharedRedis(), databaseUrl: sharedDatabase() };
    const on = { DURABILITY: 'memory', TELEMETRY: 'on', TELEMETRY_PORT: '0' };
    const blocked = await startOf(t, 'src/main.ts', stores, { ...on, [port]: String(taken) });
    expect(await blocked.ended).toEqual({ code: 1, signal: null });
    expect(blocked.output()).toMatch(
      new RegExp(`^${port}: port ${taken} of 127\\.0\\.0\\.1 is in use.*Do: .*set ${port} to`, 'm'),
    );
    const elsewhere = await startOf(t, 'src/main.ts', stores, { ...on, [host]: '192.0.2.1' });
    expect(await elsewhere.ended).toEqual({ code: 78, signal: null });
    expect(elsewhere.output()).toMatch(
      new RegExp(`^${host}: this machine has no address 192\\.0\\.2\\.1\\. Do: set ${host}`, 'm'),
    );
    for (const { output } of [blocked, elsewhere]) expect(output()).not.toMatch(/^ +at .*:\d+:\d+/m);
  },
);

/** A user that may not listen on ports below 1024: any but root, and root without that capability. */
const unprivileged = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-net_bind_service'] : [];
const PRIVILEGED_PORT = '1';
const isRefusedPort =
  spawnSync(unprivileged[0] ?? process.execPath, [
    ...unprivileged.slice(1),
    ...(unprivileged.length > 0 ? [process.execPath] : []),
    '-e',
    `require('node:net').createServer().on('error', ({ code }) => process.exit(code === 'EACCES' ? 0 : 1)).listen(${PRIVILEGED_PORT}, '127.0.0.1', () => process.exit(1))`,
  ]).status === 0;
if (!isRefusedPort) console.warn(`Port ${PRIVILEGED_PORT} may be opened here by everybody: its refusal is NOT tested.`);

test.skipIf(!isRefusedPort).for([
  ['PORT', 'src/main.ts'],
  ['ADMIN_PORT', 'src/main.ts'],
  ['TELEMETRY_PORT', 'src/main.ts'],
  ['TELEMETRY_PORT', 'workers/main.ts'],
] as const)(
  'a %s that the user of %s may not open is told by name',
  { timeout: 90_000 },
  async ([port, program], t) => {
    const stores = { redisUrl: sharedRedis(), databaseUrl: sharedDatabase() };
    const settings = { DURABILITY: 'memory', TELEMETRY: 'on', TELEMETRY_PORT: '0', [port]: PRIVILEGED_PORT };
    const started = await startOf(t, program, stores, settings, unprivileged);
    expect(await started.ended).toEqual({ code: 78, signal: null });
    const line = `^${port}: this user may not listen on port ${PRIVILEGED_PORT}\\. Do: set ${port} to 1024 or more`;
    expect(started.output()).toMatch(new RegExp(line, 'm'));
    expect(started.output()).not.toMatch(/^ +at .*:\d+:\d+/m);
  },
);
