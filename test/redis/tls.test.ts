import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findProgram, findRedis, serverSearchPath } from '../../src/local/binaries.mjs';
import { openFast, untilReady } from '../../src/redis/connection.ts';
import { freePort } from '../helpers/free-port.ts';
import { temporaryFolder } from '../helpers/own-names.ts';
import { openServers, PASSWORD } from '../topology/servers.ts';

const openssl = findProgram(['openssl'], serverSearchPath());
/** A server that was built with TLS calls this function of OpenSSL by its name. */
const hasTls = readFileSync(findRedis()!.path).includes('SSL_CTX_new');

test.skipIf(openssl === undefined || !hasTls)(
  'TLS: a server with a certificate of the given file is trusted, any other is not',
  async (t) => {
    const folder = await temporaryFolder(t);
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
    expect(spawnSync(openssl!, [...made, '-keyout', key, '-out', cert, ...names]).status).toBe(0);
    await using servers = await openServers();
    const port = await freePort();
    const tls = { 'tls-port': port, 'tls-cert-file': cert, 'tls-key-file': key, 'tls-ca-cert-file': cert };
    await servers.start({ ...tls, 'tls-auth-clients': 'no' });

    const open = (ca?: string) => {
      const url = `rediss://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`;
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
