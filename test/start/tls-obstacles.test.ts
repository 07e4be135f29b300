// What TLS has against a start is told in one line, with what to do about it, and never with a password.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type TestContext, test } from 'vitest';
import { examined, startOf } from '../doctor/servers.ts';
import { databaseUrl, redisUrl } from '../helpers/services.ts';
import { openssl, tlsRedis } from '../redis/tls-redis.ts';
import { PASSWORD } from '../topology/servers.ts';

if (openssl === undefined)
  console.warn('openssl is not installed: what TLS of Redis has against a start is NOT tested.');

interface Case {
  redisUrl?: string;
  databaseUrl?: string;
  environment?: Record<string, string>;
}

const STRANGE =
  /^REDIS_URL, Redis at 127\.0\.0\.1:\d+: the certificate of Redis is not trusted.*Do: set REDIS_CA_FILE to/m;
const PLAIN = /^REDIS_URL, Redis at 127\.0\.0\.1:\d+: Redis does not speak TLS\. Do: write redis instead of rediss/m;
const SILENT =
  /^REDIS_URL, Redis at 127\.0\.0\.1:\d+: Redis does not answer\. Do: .*does not speak TLS, write redis instead of rediss/m;
const TLS_ONLY =
  /^REDIS_URL, Redis at 127\.0\.0\.1:\d+: the server closes the connection at once\. Do: .*speaks TLS, write rediss instead of redis/m;

const withSsl = (url: string): string => `${url}?ssl=${encodeURIComponent('{"rejectUnauthorized":true}')}`;

async function start(t: TestContext, { environment, ...stores }: Case, code: number, line: RegExp): Promise<void> {
  const all = { redisUrl: redisUrl(), databaseUrl: databaseUrl(), ...stores };
  const settings = { DURABILITY: 'memory', ...environment };
  for (const program of ['src/main.ts', 'workers/main.ts'] as const) {
    const started = await startOf(t, program, all, settings);
    const ended = await started.ended;
    expect([program, ended, started.output()]).toEqual([program, { code, signal: null }, expect.stringMatching(line)]);
    expect(started.output().match(/^(REDIS|DATABASE)_URL, /gm)).toHaveLength(1);
    expect(started.output()).not.toMatch(/^ +at .*:\d+:\d+/m);
    for (const url of [all.redisUrl, all.databaseUrl]) {
      const { password } = new URL(url);
      if (password !== '') expect(started.output()).not.toContain(decodeURIComponent(password));
    }
  }
}

test.concurrent.for<[string, (t: TestContext) => Promise<Case>, number, RegExp]>([
  ['a certificate that nobody has vouched for', async (t) => ({ redisUrl: (await tlsRedis(t)).url }), 78, STRANGE],
  [
    'a trusted certificate of another host',
    async (t) => {
      const { url, cert } = await tlsRedis(t, 'DNS:elsewhere.example');
      return { redisUrl: url, environment: { REDIS_CA_FILE: cert } };
    },
    78,
    STRANGE,
  ],
  [
    'redis:// where TLS is spoken',
    async (t) => ({ redisUrl: (await tlsRedis(t)).url.replace('rediss:', 'redis:') }),
    1,
    TLS_ONLY,
  ],
])('$0', { timeout: 180_000 }, async ([, setUp, code, line], t) => {
  if (openssl === undefined) return t.skip('openssl is not installed');
  await start(t, await setUp(t), code, line);
});

test.concurrent('rediss:// to a Redis without TLS, which goes on waiting for a whole command', {
  timeout: 180_000,
}, async (t) => {
  await start(t, { redisUrl: redisUrl().replace('redis:', 'rediss:') }, 1, SILENT);
});

test.concurrent('rediss:// to a server that answers, and not in TLS', { timeout: 180_000 }, async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await start(t, { redisUrl: `rediss://:canary-password@127.0.0.1:${port}` }, 78, PLAIN);
});

test.concurrent('TLS asked of a database that has none, or a certificate that nobody has vouched for', {
  timeout: 180_000,
}, async (t) => {
  // MySQL makes itself a certificate, MariaDB has none.
  const line =
    /^DATABASE_URL, database at 127\.0\.0\.1:\d+\/\w+: (the database does not speak TLS\. Do: remove ssl from|the certificate of the database is not trusted.*NODE_EXTRA_CA_CERTS)/m;
  await start(t, { databaseUrl: withSsl(databaseUrl()) }, 78, line);
});

test.skipIf(openssl === undefined)(
  'with the certificate in REDIS_CA_FILE the doctor has nothing against it',
  async (t) => {
    const { url, cert } = await tlsRedis(t);
    const stores = { redisUrl: url, databaseUrl: databaseUrl() };
    const trusting = await examined(stores, { DURABILITY: 'memory', REDIS_CA_FILE: cert });
    expect(trusting.report.findings.filter(({ status }) => status === 'unknown')).toEqual([]);
    const stranger = await examined(stores, { DURABILITY: 'memory' });
    expect(stranger.named('redis')).toMatchObject({
      status: 'unknown',
      remedy: expect.stringMatching(/REDIS_CA_FILE/),
    });
    expect(stranger.out).not.toContain(PASSWORD);
  },
);
