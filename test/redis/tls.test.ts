import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findRedis } from '../../src/local/binaries.mjs';
import { openFast, untilReady } from '../../src/redis/connection.ts';
import { openssl, tlsRedis } from './tls-redis.ts';

/** A server that was built with TLS calls this function of OpenSSL by its name. */
const hasTls = readFileSync(findRedis()!.path).includes('SSL_CTX_new');

test.skipIf(openssl === undefined || !hasTls)(
  'TLS: a server with a certificate of the given file is trusted, any other is not',
  async (t) => {
    const { url, cert } = await tlsRedis(t);
    const open = (ca?: string) => {
      const errors: Error[] = [];
      const client = openFast({ url, ca, name: 'tls', commandMs: 1_000, onError: (error) => errors.push(error) });
      t.onTestFinished(() => client.disconnect());
      return { client, errors };
    };
    const trusting = open(readFileSync(cert, 'utf8'));
    await untilReady(trusting.client, 5_000);
    expect(await trusting.client.ping()).toBe('PONG');
    const stranger = open();
    await expect(untilReady(stranger.client, 500)).rejects.toMatchObject({ code: 'redis-unavailable' });
    expect(stranger.errors[0]).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  },
);
