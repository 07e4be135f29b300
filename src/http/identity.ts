// Who asks. In the local profile a bare header says it; otherwise only a gateway that knows the shared secret may.
import { createHash, timingSafeEqual } from 'node:crypto';
import { isUserId } from '../domain/ids.ts';
import type { Header } from './headers.ts';

export type Identity = { kind: 'user'; user: string } | { kind: 'nobody' } | { kind: 'invalid'; detail: string };

export type Identify = (header: Header) => Identity;

const NOBODY: Identity = { kind: 'nobody' };
const UNTRUSTED: Identity = { kind: 'invalid', detail: 'X-Gateway-Secret is missing or wrong.' };
const ILL_FORMED: Identity = {
  kind: 'invalid',
  detail: 'X-User-Id takes 1 to 128 printable ASCII characters without space at either end.',
};

export function createIdentify(gatewaySecret: string | undefined): Identify {
  const expected = gatewaySecret === undefined ? undefined : digest(gatewaySecret);
  return (header) => {
    const user = header('x-user-id');
    if (user === undefined) return NOBODY;
    if (expected !== undefined && !timingSafeEqual(digest(header('x-gateway-secret') ?? ''), expected))
      return UNTRUSTED;
    return isUserId(user) ? { kind: 'user', user } : ILL_FORMED;
  };
}

/** Compared by digest, so that neither length nor content shows in the time it takes. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
