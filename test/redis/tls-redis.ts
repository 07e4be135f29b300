// A Redis with TLS, whose certificate it has signed itself.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, type TestContext } from 'vitest';
import { findProgram, serverSearchPath } from '../../src/local/binaries.mjs';
import { freePort } from '../helpers/free-port.ts';
import { temporaryFolder } from '../helpers/services.ts';
import { openServers, PASSWORD } from '../topology/servers.ts';

/** Makes certificates; without it there is no such Redis. */
export const openssl = findProgram(['openssl'], serverSearchPath());

export interface TlsRedis {
  /** `rediss://…`, by an address that the certificate names. */
  url: string;
  /** A file with its certificate. */
  cert: string;
}

/** Gone when the test ends. `names` are what its certificate is for. */
export async function tlsRedis(t: TestContext, names = 'DNS:localhost,IP:127.0.0.1'): Promise<TlsRedis> {
  const folder = await temporaryFolder(t);
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')] as const;
  const subject = ['-subj', '/CN=localhost', '-addext', `subjectAltName=${names}`];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  expect(spawnSync(openssl!, [...made, '-keyout', key, '-out', cert, ...subject]).status).toBe(0);
  const servers = await openServers();
  t.onTestFinished(() => servers[Symbol.asyncDispose]());
  const port = await freePort();
  const tls = { 'tls-port': port, 'tls-cert-file': cert, 'tls-key-file': key, 'tls-ca-cert-file': cert };
  await servers.start({ ...tls, 'tls-auth-clients': 'no' });
  return { url: `rediss://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`, cert };
}
