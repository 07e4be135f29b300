// An identity provider of a test's own: keys of every algorithm, tokens of every kind, and a key set over HTTP.
import { createServer } from 'node:http';
import { exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose';
import type { TestContext } from 'vitest';

export const ISSUER = 'https://id.example/';
export const AUDIENCE = 'sluice-tests';

export interface SigningKey {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
  publicJwk: JWK & { kty: string };
  /** PEM. */
  publicText: string;
}

export async function signingKey(alg: string, kid = alg): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } as JWK & { kty: string };
  return { kid, alg, privateKey, publicJwk, publicText: await exportSPKI(publicKey) };
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds;

/** Claims of a good token of `sub`; those that are given as undefined are left out. */
export const claimsOf = (sub: string, other: Record<string, unknown> = {}): Record<string, unknown> => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub,
  iat: inSeconds(0),
  exp: inSeconds(300),
  ...other,
});

/** A token signed by `key`; `header` replaces what the key says of itself. */
export function tokenBy(
  key: SigningKey,
  claims: Record<string, unknown>,
  header: Partial<JWTHeaderParameters> & Record<string, unknown> = {},
): Promise<string> {
  const { alg, kid, privateKey } = key;
  return new SignJWT(claims).setProtectedHeader({ alg, kid, typ: 'JWT', ...header }).sign(privateKey);
}

export interface IdentityProvider {
  url: URL;
  /** How often the key set was asked for. */
  fetchCount: () => number;
  /** What it answers from now on: these keys, or nothing that helps. */
  answer: (keys: readonly SigningKey[] | 'error' | 'nonsense' | 'no end' | 'silence') => void;
}

/** Listens on a free port until the test ends. */
export async function startIdentityProvider(t: TestContext, ...keys: SigningKey[]): Promise<IdentityProvider> {
  let answer: Parameters<IdentityProvider['answer']>[0] = keys;
  let fetchCount = 0;
  const server = createServer((_request, response) => {
    fetchCount += 1;
    if (answer === 'silence') return;
    if (answer === 'error') return void response.writeHead(500).end();
    response.writeHead(200, { 'content-type': 'application/json' });
    if (answer === 'nonsense') return void response.end('<html>');
    if (answer === 'no end') return pourOut((text) => response.write(text), response);
    response.end(JSON.stringify({ keys: answer.map(({ publicJwk }) => publicJwk) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as { port: number };
  return {
    url: new URL(`http://127.0.0.1:${port}/keys`),
    fetchCount: () => fetchCount,
    answer: (next) => {
      answer = next;
    },
  };
}

function pourOut(write: (text: string) => boolean, stream: NodeJS.EventEmitter): void {
  const pour = () => {
    while (write(' '.repeat(65_536)));
  };
  stream.on('drain', pour);
  pour();
}
