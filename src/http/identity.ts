// Who asks. Each front has one source for it and looks at no other: what a request says beside it means nothing.
import { createHash, timingSafeEqual } from 'node:crypto';
import { isUserId } from '../domain/ids.ts';
import type { Identify, IdentifyDeps, Identity } from './caller.ts';
import { createJwtIdentify, type JwtSource } from './jwt.ts';

export type IdentitySource = { kind: 'header' } | { kind: 'gateway'; secrets: readonly string[] } | JwtSource;

const NOBODY: Identity = { kind: 'nobody', detail: 'X-User-Id is missing.' };
const UNTRUSTED: Identity = { kind: 'invalid', detail: 'X-Gateway-Secret is missing or wrong.' };
const ILL_FORMED: Identity = {
  kind: 'invalid',
  detail: 'X-User-Id takes 1 to 128 printable ASCII characters without space at either end.',
};

export function createIdentify(source: IdentitySource, deps: IdentifyDeps): Identify {
  if (source.kind === 'jwt') return createJwtIdentify(source, deps);
  const isGateway = source.kind === 'gateway' ? secretCheck(source.secrets) : () => true;
  return (header) => {
    const user = header('x-user-id');
    if (user === undefined) return NOBODY;
    if (!isGateway(header('x-gateway-secret') ?? '')) return UNTRUSTED;
    return isUserId(user) ? { kind: 'user', user } : ILL_FORMED;
  };
}

/** Whether a text is one of the secrets; it takes the same time whichever it is, or nearly is, or is not. */
export function secretCheck(secrets: readonly string[]): (text: string) => boolean {
  const expected = secrets.map(digest);
  return (text) => {
    const given = digest(text);
    return expected.reduce((found, one) => timingSafeEqual(given, one) || found, false);
  };
}

/** Compared by digest, so that neither length nor content shows in the time it takes. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
