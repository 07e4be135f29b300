import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { expect, type TestContext, test, vi } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { descendantsOf, signalIfThere } from '../helpers/processes.ts';
import { ROOT } from '../helpers/root.ts';
import { databaseUrl, redisUrl, temporaryFolder, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { joinCampaign, openCampaignWith, untilIssued } from '../start/sluice.ts';

// Each command is a process of its own: on a busy machine it takes seconds to begin.
vi.setConfig({ testTimeout: 120_000 });

const TOKEN = 'a-token-for-tests-and-no-secret';

const COMMANDS: [string, string[]][] = [
  ['sluice', ['src/cli.ts', '--help']],
  ['sluice doctor', ['src/cli.ts', 'doctor', '--help']],
  ['the rehearsal', ['src/rehearsal/main.ts', '--help']],
  ['the faults', ['test/faults/main.ts', '--list']],
];

test.for(COMMANDS)('%s exits with 0 and says nothing when its reader has left', async ([, args], t) => {
  const { code, err } = await run(t, args, 'no reader');
  expect([code, err]).toEqual([0, '']);
});

test.skipIf(!existsSync('/dev/full')).for(COMMANDS)(
  '%s exits with 74 and one line when the disk of its output is full',
  async ([, args], t) => {
    const { code, err } = await run(t, args, 'full disk');
    expect([code, err]).toEqual([74, expect.stringMatching(/^Standard output cannot be written \(ENOSPC.*lost\.\n$/)]);
  },
);

test('an exit code that tells of something worse stays when the output is lost, too', async (t) => {
  const { code } = await run(t, ['src/cli.ts', 'doctor'], 'no reader', { DATA_DIR: await temporaryFolder(t) });
  expect(code).toBe(2);
});

test.for<['no reader' | 'full disk', string]>([
  ['no reader', 'whose reader has left'],
  ['full disk', 'of a full disk'],
])(
  'with an output (%s) front and worker go on selling, and end when they are asked to',
  { timeout: 120_000 },
  async ([output], t) => {
    if (output === 'full disk' && !existsSync('/dev/full')) return t.skip();
    const [port, adminPort] = [await freePort(), await freePort()];
    const child = start(t, ['src/main.ts', '--no-rehearsal'], output, {
      REDIS_URL: redisUrl(),
      DATABASE_URL: databaseUrl(),
      DURABILITY: 'memory',
      DATA_DIR: await temporaryFolder(t),
      ADMIN_TOKEN: TOKEN,
      PORT: String(port),
      ADMIN_PORT: String(adminPort),
      TELEMETRY: 'off',
      LOG_LEVEL: 'debug',
    });
    const url = `http://127.0.0.1:${port}`;
    await until('the front is ready', 60_000, () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      return fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    });
    const campaign = uniqueName('unheard');
    await openCampaignWith({ adminUrl: `http://127.0.0.1:${adminPort}`, adminToken: TOKEN }, campaign, 1);
    const { body } = await joinCampaign({ url }, campaign, 'ann');
    expect(await untilIssued({ url }, body.ticket, 60_000)).toMatchObject({ unit: 1 });
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  },
);

/** Starts a program whose standard output has no reader any more, or is a file on a full disk. */
function start(
  t: TestContext,
  args: string[],
  output: 'no reader' | 'full disk',
  env: Record<string, string> = {},
): ChildProcess {
  const full = output === 'full disk' ? openSync('/dev/full', 'w') : undefined;
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', full ?? 'pipe', 'pipe'],
  });
  child.stdout?.destroy();
  if (full !== undefined) closeSync(full);
  t.onTestFinished(() => {
    if (child.exitCode !== null || child.pid === undefined) return;
    for (const pid of [child.pid, ...descendantsOf(child.pid)]) signalIfThere(pid, 'SIGKILL');
  });
  return child;
}

async function run(...given: Parameters<typeof start>): Promise<{ code: number | null; err: string }> {
  const child = start(...given);
  let err = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, err };
}
