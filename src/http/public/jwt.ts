// Identity by a signed token (RFC 7519, checked by jose). A token is checked once and then known until it expires. A
// signature is the dear part: what can be seen without it is looked at first, and forged ones are counted by address.
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { spanClock } from '../../domain/clock.ts';
import { isUserId, USER_ID_RULE } from '../../domain/ids.ts';
import { createTally } from '../../domain/tally.ts';
import { limits } from '../../process/limits.ts';
import type { Identify, IdentifyDeps, Identity } from './caller.ts';
import { createFailureLimit } from './failure-limit.ts';
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
const KEYLESS: Identity = {
  kind: 'unknown',
  detail: 'The front cannot check bearer tokens at the moment. Please try again.',
};
/** Too many tokens of one address wait for the keys of the identity provider. */
const WAITING: Identity = {
  kind: 'limited',
  waitMs: 1_000,
  quota: { name: 'waiting-tokens-per-address', count: limits.tokensWaitingPerAddress, windowSeconds: 1 },
};
const BUSY: Identity = { kind: 'unknown', detail: 'The front is checking too many bearer tokens. Please try again.' };

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
  const { now = spanClock } = deps;
  const keys = source.keys instanceof URL ? fetchedKeys(source.keys, deps) : givenKeys(source.keys);
  const known = tokenMemory();
  const forged = createFailureLimit('forged-tokens-per-address', limits.forgedTokensPerAddress, now);
  const waiting = createTally();
  let checkCount = 0;
  const isGood = ({ expiresMs, checkedAt }: CheckedToken) =>
    expiresMs > deps.clock() && now() - checkedAt < limits.signingKeysMaxAgeMs;

  async function check(authorization: string, token: string, address: string | undefined): Promise<Identity> {
    let isPlaced = false;
    try {
      // Waiting for keys costs no computing, so it takes none of the places below.
      if (address !== undefined) waiting.add(address);
      const key = await keyOf(keys, token).finally(() => address !== undefined && waiting.take(address));
      if (checkCount >= limits.tokenChecksMax) return BUSY;
      checkCount += 1;
      isPlaced = true;
      const verified = await verify(source, key, token, deps.clock());
      known.add(authorization, { ...verified, checkedAt: now() });
      return verified.identity;
    } catch (error) {
      if (error instanceof KeysAway) return KEYLESS;
      if (isForgery(error)) forged.add(address);
      return WRONG;
    } finally {
      if (isPlaced) checkCount -= 1;
    }
  }

  return (header, addressOf) => {
    const authorization = header('authorization');
    if (authorization === undefined) return NOBODY;
    const before = known.get(authorization);
    if (before !== undefined && isGood(before)) return before.identity;
    const token = authorization.length > limits.tokenChars ? undefined : BEARER.exec(authorization)?.[1];
    if (token === undefined) return WRONG;
    const address = addressOf?.();
    // Before its claims are read: that is most of what a forged token costs.
    const refused = forged.refusal(address);
    if (refused !== undefined) return refused;
    if (address !== undefined && waiting.count(address) >= limits.tokensWaitingPerAddress) return WAITING;
    return mayBeGood(source, token, deps.clock()) ? check(authorization, token, address) : WRONG;
  };
}

/** The key that the token names; throws what jose throws when there is none, and KeysAway when no key is there at all. */
async function keyOf(keys: JWTVerifyGetKey, token: string): Promise<Awaited<ReturnType<JWTVerifyGetKey>>> {
  const [head = '', payload = '', signature = ''] = token.split('.');
  const header = decodeProtectedHeader(token) as Parameters<JWTVerifyGetKey>[0];
  return keys(header, { protected: head, payload, signature });
}

/** Whether only whoever makes tokens up sends this: an honest client's token expires, but does not change its signature. */
const isForgery = (error: unknown): boolean =>
  error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey;

/** False for a token that no signature could make good. Never stricter than {@link verify}, which looks at all of it. */
function mayBeGood(source: JwtSource, token: string, nowMs: number): boolean {
  try {
    const { alg, typ } = decodeProtectedHeader(token);
    if (alg === undefined || !source.algorithms.includes(alg) || !isOurType(typ)) return false;
    const { iss, aud, exp, sub }: JWTPayload = decodeJwt(token);
    const isForUs = Array.isArray(aud) ? aud.includes(source.audience) : aud === source.audience;
    const isAlive = typeof exp === 'number' && exp > Math.floor(nowMs / 1_000) - source.clockToleranceSeconds;
    return iss === source.issuer && isForUs && isAlive && sub !== undefined;
  } catch {
    return false;
  }
}

const isOurType = (typ: unknown): boolean =>
  typ === undefined || (typeof typ === 'string' && TYPES.has(typ.toLowerCase()));

/** Throws what jose throws for a wrong token. */
async function verify(
  source: JwtSource,
  key: Awaited<ReturnType<JWTVerifyGetKey>>,
  token: string,
  nowMs: number,
): Promise<KnownToken> {
  const { payload, protectedHeader } = await jwtVerify(token, key, {
    algorithms: [...source.algorithms],
    issuer: source.issuer,
    audience: source.audience,
    clockTolerance: source.clockToleranceSeconds,
    requiredClaims: ['exp', 'sub'],
    currentDate: new Date(nowMs),
  });
  const user = payload[source.userClaim];
  if (!isOurType(protectedHeader.typ)) throw new errors.JWTInvalid();
  const expiresMs = (payload.exp! + source.clockToleranceSeconds) * 1_000;
  const isTaken = typeof payload.sub === 'string' && typeof user === 'string' && isUserId(user);
  const wrongClaim = typeof payload.sub === 'string' ? source.userClaim : 'sub';
  const identity: Identity = isTaken ? { kind: 'user', user } : notTaken(wrongClaim);
  return { identity, expiresMs };
}

/** Whoever brings a good token may know what is wrong with it: nobody can make one up to find out. */
const notTaken = (claim: string): Identity => ({
  kind: 'invalid',
  detail: `The token is valid, but its claim "${claim}" is not a user id. A user id is ${USER_ID_RULE}.`,
  challenge: `Bearer error="invalid_token", error_description="the claim ${claim} is not a user id"`,
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
