// Who asks. Each front has one source for it and looks at no other: what a request says beside it means nothing.
import { createHash, timingSafeEqual } from 'node:crypto';
import { isUserId, USER_ID_RULE } from '../../domain/ids.ts';
import { utf8Of } from '../headers.ts';
import type { Identify, IdentifyDeps, Identity } from './caller.ts';
import { createJwtIdentify, type JwtSource } from './jwt.ts';

export type IdentitySource = { kind: 'header' } | { kind: 'gateway'; secrets: readonly string[] } | JwtSource;

const NOBODY: Identity = { kind: 'nobody', detail: 'X-User-Id is missing.' };
const UNTRUSTED: Identity = { kind: 'invalid', detail: 'X-Gateway-Secret is missing or wrong.' };
const ILL_FORMED: Identity = { kind: 'invalid', detail: `X-User-Id must be ${USER_ID_RULE}.` };

export function createIdentify(source: IdentitySource, deps: IdentifyDeps): Identify {
  if (source.kind === 'jwt') return createJwtIdentify(source, deps);
  const isGateway = source.kind === 'gateway' ? secretCheck(source.secrets) : () => true;
  return (header) => {
    const sent = header('x-user-id');
    if (sent === undefined) return NOBODY;
    if (!isGateway(utf8Of(header('x-gateway-secret') ?? '') ?? '')) return UNTRUSTED;
    const user = utf8Of(sent);
    return user !== undefined && isUserId(user) ? { kind: 'user', user } : ILL_FORMED;
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
