// A front that runs: somebody guesses its admin token, and somebody fills up the listener of its operators.
import { connect, type Socket } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { runningFront } from '../cli/running-front.ts';
import { until } from '../helpers/until.ts';

const WITHIN_MS = 60_000;
const front = runningFront();
const metrics = async () => (await fetch(front.metricsUrls[0]!)).text();
/** The value of the line of this counter that names `label`. */
const countOf = async (name: string, label: string): Promise<number> => {
  const line = (await metrics()).split('\n').find((one) => one.startsWith(name) && one.includes(label));
  return Number(/ (\d+)/.exec(line ?? '')?.[1] ?? Number.NaN);
};

const logged = (message: string): Record<string, unknown>[] =>
  front
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.includes(message))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('20,727 wrong admin tokens left no line in the log and no count', { timeout: 2 * WITHIN_MS }, async () => {
  const guess = (token: string) =>
    fetch(`${front.adminUrl}/admin/campaigns`, { headers: { authorization: `Bearer ${token}` } });
  const guesses = await Promise.all(Array.from({ length: 20 }, (_, i) => guess(`canary-guess-number-${i}`)));
  expect(guesses.map(({ status }) => status)).toEqual(guesses.map(() => 401));
  expect((await guess(front.adminToken)).status).toBe(200);
  expect(await countOf('sluice_admin_refusals_total', 'token="wrong"')).toBe(20);
  await until('a line for the first', WITHIN_MS, () => logged('the admin API rejected a wrong token').length === 1);
  await until('one line for the others', WITHIN_MS, () => logged('rejected more wrong tokens').length === 1);
  expect(logged('rejected more wrong tokens')[0]).toMatchObject({ level: 40, count: 19 });
  expect(front.output()).not.toContain('canary-guess');
});

/** Connections from an address of this machine that say nothing, and those of them that are open. */
function silent(t: TestContext, url: string, localAddress: string, count: number): Set<Socket> {
  const open = new Set<Socket>();
  for (let i = 0; i < count; i += 1) {
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', localAddress });
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    t.onTestFinished(() => void socket.destroy());
  }
  return open;
}

test.for([
  ['admin', () => front.adminUrl, limits.adminConnectionsPerAddressMax, limits.adminListenerConnectionsMax],
  ['telemetry', () => front.metricsUrls[0]!, limits.telemetryConnectionsPerAddressMax, limits.telemetryConnectionsMax],
] as const)(
  'one address took all connections of the %s port',
  { timeout: 2 * WITHIN_MS },
  async ([name, url, perAddress, max], t) => {
    const taken = silent(t, url(), '127.0.0.2', max + 20);
    await until('those beyond the bound of an address are closed', WITHIN_MS, () => taken.size <= perAddress);
    const other = silent(t, url(), '127.0.0.3', 1);
    const [socket] = other;
    let said = '';
    socket!.setEncoding('latin1').on('data', (text: string) => {
      said += text;
    });
    socket!.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('another address is answered', WITHIN_MS, () => said.startsWith('HTTP/1.1 200'));
    if (name !== 'admin') return;
    expect(await countOf('sluice_connections_refused_total', 'listener="admin"')).toBeGreaterThan(0);
    expect(logged('its address has as many as it may have')).toHaveLength(1);
  },
);
