import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { sluice } from '../cli/sluice.ts';
import { freePort } from '../helpers/free-port.ts';
import { startFront, untilPrinted } from '../helpers/processes.ts';
import { databaseUrl, redisUrl } from '../helpers/services.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

test.for([
  ['::1', 'http://[::1]:', false],
  ['[::1]', 'http://[::1]:', false],
  ['::', 'http://[::1]:', true],
  ['0.0.0.0', 'http://127.0.0.1:', true],
  ['localhost', 'http://localhost:', false],
] as const)(
  'with every host %s the banner prints addresses that answer, and the command line finds them',
  {
    timeout: 90_000,
  },
  async ([host, begins, isWildcard], t) => {
    if (host.includes(':') && !hasIpv6) t.skip('this machine has no IPv6 loopback');
    const settings = { HOST: host, ADMIN_HOST: host, ADMIN_PORT: String(await freePort()) };
    const stores = { redisUrl: redisUrl(), databaseUrl: databaseUrl() };
    const front = await startFront(t, stores, {
      ...settings,
      TELEMETRY: 'on',
      TELEMETRY_HOST: host,
      TELEMETRY_PORT: '0',
    });
    const [, metricsUrl] = await untilPrinted(front, /metrics +(http\S+)/);
    await untilPrinted(front, /^Ready\. /m, 60_000);
    const urls = [`${front.url}/livez`, `${front.adminUrl}/openapi.json`, metricsUrl!];
    for (const url of urls) {
      expect(url.startsWith(begins), url).toBe(true);
      expect([url, (await fetch(url, { headers: { authorization: `Bearer ${front.adminToken}` } })).status]).toEqual([
        url,
        200,
      ]);
    }
    const everywhere = front.output().match(/ on every address of this machine \(.*\)$/gm) ?? [];
    expect(everywhere).toEqual(isWildcard ? Array(3).fill(` on every address of this machine (${host})`) : []);

    const { code, err } = await sluice(['campaign', 'list'], { ...settings, ADMIN_TOKEN: front.adminToken });
    expect([code, err]).toEqual([0, '']);
  },
);
