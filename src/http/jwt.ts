// Identity by a signed token (RFC 7519, checked by jose). A token is checked once and then known until it expires.
import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { spanClock } from '../domain/clock.ts';
import { isUserId, USER_ID_RULE } from '../domain/ids.ts';
import { limits } from '../limits.ts';
import type { Identify, IdentifyDeps, Identity } from './caller.ts';
import { fetchedKeys, givenKeys, KeysAway, type PublicKeys } from './signing-keys.ts';

export interface JwtSource {
  kind: 'jwt';
  /** Where the keys are, or the keys. */
  keys: URL | PublicKeys;
  issuer: string;
  audience: string;
  algorithms: readonly string[];
  clockToleranceSeconds: number;
  /** The claim that names the user. */
  userClaim: string;
}

const NOBODY: Identity = { kind: 'nobody', detail: 'Authorization is missing.', challenge: 'Bearer' };
/** One answer to every wrong token: which of its parts is wrong helps only whoever makes them up. */
const WRONG: Identity = {
  kind: 'invalid',
  detail: 'The bearer token is not valid.',
  challenge: 'Bearer error="invalid_token"',
};
const KEYLESS: Identity = { kind: 'unknown', detail: 'Tokens cannot be checked just now.' };
const BUSY: Identity = { kind: 'unknown', detail: 'Too many tokens are being checked.' };

/** RFC 9110 §11.1: a scheme in any case, one space or more. */
const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;
/** Tokens made for something else (logout, DPoP, events) are no identity; RFC 8725 §3.11. */
const TYPES = new Set(['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt']);

interface KnownToken {
  identity: Identity;
  /** Epoch ms. */
  expiresMs: number;
}

/** `checkedAt` by the span clock: a key that was withdrawn is noticed within the age of the keys. */
type CheckedToken = KnownToken & { checkedAt: number };

export function createJwtIdentify(source: JwtSource, deps: IdentifyDeps): Identify {
  const keys = source.keys instanceof URL ? fetchedKeys(source.keys, deps) : givenKeys(source.keys);
  const known = tokenMemory();
  let checkCount = 0;
  const { now = spanClock } = deps;
  const isGood = ({ expiresMs, checkedAt }: CheckedToken) =>
    expiresMs > deps.clock() && now() - checkedAt < limits.signingKeysMaxAgeMs;

  async function check(authorization: string, token: string): Promise<Identity> {
    checkCount += 1;
    try {
      const verified = await verify(source, keys, token, deps.clock());
      known.add(authorization, { ...verified, checkedAt: now() });
      return verified.identity;
    } catch (error) {
      return error instanceof KeysAway ? KEYLESS : WRONG;
    } finally {
      checkCount -= 1;
    }
  }

  return (header) => {
    const authorization = header('authorization');
    if (authorization === undefined) return NOBODY;
    const before = known.get(authorization);
    if (before !== undefined && isGood(before)) return before.identity;
    const token = authorization.length > limits.tokenChars ? undefined : BEARER.exec(authorization)?.[1];
    if (token === undefined) return WRONG;
    if (checkCount >= limits.tokenChecksMax) return BUSY;
    return check(authorization, token);
  };
}

/** Throws what jose throws for a wrong token, and KeysAway when there is nothing to check it with. */
async function verify(source: JwtSource, keys: JWTVerifyGetKey, token: string, nowMs: number): Promise<KnownToken> {
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    algorithms: [...source.algorithms],
    issuer: source.issuer,
    audience: source.audience,
    clockTolerance: source.clockToleranceSeconds,
    requiredClaims: ['exp', 'sub'],
    currentDate: new Date(nowMs),
  });
  const { typ } = protectedHeader;
  const user = payload[source.userClaim];
  const isOurs = typ === undefined || TYPES.has(String(typ).toLowerCase());
  if (!isOurs) throw new errors.JWTInvalid();
  const expiresMs = (payload.exp! + source.clockToleranceSeconds) * 1_000;
  const isTaken = typeof payload.sub === 'string' && typeof user === 'string' && isUserId(user);
  const wrongClaim = typeof payload.sub === 'string' ? source.userClaim : 'sub';
  const identity: Identity = isTaken ? { kind: 'user', user } : notTaken(wrongClaim);
  return { identity, expiresMs };
}

/** Whoever brings a good token may know what is wrong with it: nobody can make one up to find out. */
const notTaken = (claim: string): Identity => ({
  kind: 'invalid',
  detail: `The token is valid, but its claim "${claim}" is no user id. A user id is a text of ${USER_ID_RULE}.`,
  challenge: `Bearer error="invalid_token", error_description="the claim ${claim} is no user id"`,
});

/**
 * Verified tokens by the whole header, so that nothing but the very same signature is ever taken for known. Two
 * generations make it bounded without moving an entry on every hit.
 */
function tokenMemory() {
  let young = new Map<string, CheckedToken>();
  let old = new Map<string, CheckedToken>();
  let youngChars = 0;
  function add(authorization: string, token: CheckedToken): void {
    if (youngChars + authorization.length > limits.verifiedTokensChars / 2) {
      [young, old, youngChars] = [new Map(), young, 0];
    }
    young.set(authorization, token);
    youngChars += authorization.length;
  }
  return {
    add,
    get(authorization: string): CheckedToken | undefined {
      const recent = young.get(authorization);
      if (recent !== undefined) return recent;
      const older = old.get(authorization);
      if (older !== undefined) add(authorization, older);
      return older;
    },
  };
}
