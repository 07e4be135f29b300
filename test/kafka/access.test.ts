// TLS and every way to log in, on a real broker: what works, and what is said where it does not.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { type KafkaServer, openAdmin, openMember, openProducer } from '../../src/kafka/clients.ts';
import { kafkaObstacle } from '../../src/kafka/obstacles.ts';
import { findProgram, serverSearchPath } from '../../src/local/binaries.mjs';
import { freePort } from '../helpers/free-port.ts';
import { temporaryFolder } from '../helpers/own-names.ts';
import { ownKafka } from './own.ts';

const openssl = findProgram(['openssl'], serverSearchPath());
const [USER, PASSWORD] = ['sluice', 'Canary-password'];

test.skipIf(openssl === undefined)(
  'clients come in with TLS and each kind of login, and a wrong one is told in words',
  async (t) => {
    const folder = await temporaryFolder(t);
    const { certFile, keyFile } = certificate(folder);
    const [cert, key] = [certFile, keyFile].map((file) => readFileSync(file, 'utf8'));
    const ports = await broker(t, folder, `${key}${cert}`, cert!);
    const tls = { ca: cert, cert: undefined, key: undefined };
    const at = (port: number, access: Partial<KafkaServer>): KafkaServer => ({
      brokers: [{ host: '127.0.0.1', port }],
      tls,
      sasl: undefined,
      ...access,
    });
    const login = { user: USER, password: PASSWORD };
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, `${unsignedToken()}\n`);

    const good: [string, KafkaServer][] = [
      ['plain', at(ports.sasl, { sasl: { mechanism: 'PLAIN', ...login } })],
      ['scram 256', at(ports.sasl, { sasl: { mechanism: 'SCRAM-SHA-256', ...login } })],
      ['scram 512', at(ports.sasl, { sasl: { mechanism: 'SCRAM-SHA-512', ...login } })],
      ['token', at(ports.sasl, { sasl: { mechanism: 'OAUTHBEARER', tokenFile } })],
      ['certificate', at(ports.tls, { tls: { ca: cert, cert, key } })],
    ];
    for (const [name, server] of good) expect(await obstacleOf(t, server), name).toBeUndefined();
    // The connections for fetches are made apart from those of the client.
    for (const [name, server] of good) {
      const { consumer, fetchPool } = openMember({ ...server, group: 'group' }, 'worker');
      const producer = openProducer(server, 'relay');
      t.onTestFinished(async () => {
        await Promise.all([consumer.close(true), producer.close(), Promise.resolve(fetchPool.close())]);
      });
      await expect(fetchPool.get(server.brokers[0]!), name).resolves.toBeDefined();
      await expect(producer.metadata({ topics: [] }), name).resolves.toBeDefined();
    }

    const wrong: [KafkaServer, RegExp][] = [
      [
        at(ports.sasl, { sasl: { mechanism: 'PLAIN', user: USER, password: 'Canary' } }),
        /rejects the user, password or token/,
      ],
      [
        at(ports.sasl, { sasl: { mechanism: 'SCRAM-SHA-512', user: 'x', password: PASSWORD } }),
        /rejects the user, password/,
      ],
      [
        at(ports.tls, { tls: { ca: undefined, cert: undefined, key: undefined } }),
        /certificate of the broker is not trusted/,
      ],
      // With TLS 1.3 the alert of the broker may come behind the end of the connection.
      [at(ports.tls, {}), /wants a certificate of Sluice|closes the connection at once/],
      [at(ports.plain, {}), /does not speak TLS/],
      // A listener that wants a login closes the connection, or never answers what it takes for none.
      [at(ports.sasl, { tls: undefined }), /closes the connection at once|no broker answers/],
    ];
    for (const [server, words] of wrong) {
      const obstacle = await obstacleOf(t, server);
      expect(obstacle?.what).toMatch(words);
      expect(JSON.stringify(obstacle)).not.toMatch(/Canary/);
    }
  },
);

/** What is in the way of a first question; undefined when there is an answer. */
async function obstacleOf(t: TestContext, server: KafkaServer) {
  const admin = openAdmin(server, 'test');
  t.onTestFinished(() => admin.close());
  return admin.metadata({ topics: [] }).then(() => undefined, kafkaObstacle);
}

/** Of itself, for clients and for the broker. */
function certificate(folder: string) {
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')] as const;
  const subject = ['-subj', '/CN=sluice', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  expect(spawnSync(openssl!, [...made, '-keyout', keyFile, '-out', certFile, ...subject]).status).toBe(0);
  return { keyFile, certFile };
}

/** By kind of listener, its port. */
async function broker(t: TestContext, folder: string, store: string, trusted: string) {
  const [storeFile, trustFile] = [join(folder, 'store.pem'), join(folder, 'trust.pem')] as const;
  writeFileSync(storeFile, store);
  writeFileSync(trustFile, trusted);
  const [plain, tls] = [await freePort(), await freePort()];
  let sasl = 0;
  const jaas = (mechanism: string, module: string, options = '') => ({
    [`listener.name.sasl_ssl.${mechanism}.sasl.jaas.config`]: `org.apache.kafka.common.security.${module} required${options};`,
  });
  await ownKafka(t, {
    format: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${USER},password=${PASSWORD}]`,
    ]),
    properties: ({ port, controllerPort }) => {
      sasl = port;
      const open = `SASL_SSL://127.0.0.1:${port},SSL://127.0.0.1:${tls},PLAINTEXT://127.0.0.1:${plain}`;
      return {
        listeners: `${open},CONTROLLER://127.0.0.1:${controllerPort}`,
        'advertised.listeners': open,
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL',
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': storeFile,
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.location': trustFile,
        'listener.name.ssl.ssl.client.auth': 'required',
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
        ...jaas('plain', 'plain.PlainLoginModule', ` user_${USER}="${PASSWORD}"`),
        ...jaas('scram-sha-256', 'scram.ScramLoginModule'),
        ...jaas('scram-sha-512', 'scram.ScramLoginModule'),
        ...jaas('oauthbearer', 'oauthbearer.OAuthBearerLoginModule', ' unsecuredLoginStringClaim_sub="broker"'),
      };
    },
  });
  return { sasl, tls, plain };
}

/** A token as brokers in tests take it, which nobody has signed. */
function unsignedToken(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Date.now() / 1_000;
  return `${part({ alg: 'none' })}.${part({ sub: USER, iat: now, exp: now + 3_600 })}.`;
}
