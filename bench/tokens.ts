// Bearer tokens in numbers, and the identity provider whose keys make them good.
import { createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const ISSUER = 'https://id.bench.example/';
const AUDIENCE = 'bench';
const KEY_ID = 'bench';
const LIFE_SECONDS = 3_600;
/** Of every answer but the first: made-up key ids make a front ask again, and what waits for the answer must not cost others. */
const SLOW_MS = 3_000;

export interface TokenMaker extends AsyncDisposable {
  /** What a front needs to take the tokens. */
  settings: Record<string, string>;
  /** A good token of this user. */
  good(user: string): string;
  /** The claims of a good one under a signature that nobody made. */
  forged(): string;
  /** The same under a key id that nobody has. */
  ofUnknownKey(): string;
}

export async function openTokens(): Promise<TokenMaker> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'ES256' }] });
  let isFirst = true;
  const server = createServer((_request, response) => {
    const waitMs = isFirst ? 0 : SLOW_MS;
    isFirst = false;
    void sleep(waitMs).then(() => response.writeHead(200, { 'content-type': 'application/json' }).end(keys));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const nobodys = () => randomBytes(64).toString('base64url');
  return {
    settings: {
      JWT_JWKS_URL: `http://127.0.0.1:${port}/`,
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: AUDIENCE,
    },
    good: (user) => signed(privateKey, unsigned(user, KEY_ID)),
    forged: () => `${unsigned('somebody', KEY_ID)}.${nobodys()}`,
    ofUnknownKey: () => `${unsigned('somebody', randomBytes(8).toString('hex'))}.${nobodys()}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function unsigned(user: string, kid: string): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: user, iat: now, exp: now + LIFE_SECONDS };
  return [{ alg: 'ES256', typ: 'JWT', kid }, claims].map(encoded).join('.');
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

function signed(key: KeyObject, text: string): string {
  const signature = createSign('sha256').update(text).sign({ key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}
