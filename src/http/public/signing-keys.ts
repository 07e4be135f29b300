// The public keys that identity tokens are checked with. Once fetched they are used for as long as no newer ones can be
// had: an identity provider that is away must not take the sale with it.
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose';
import { type SpanClock, spanClock } from '../../domain/clock.ts';
import { limits } from '../../process/limits.ts';

export type PublicKeys = readonly { kty: string; [member: string]: unknown }[];

/** There is no key to check any token with. */
export class KeysAway extends Error {
  override name = 'KeysAway';
}

export const givenKeys = (keys: PublicKeys): JWTVerifyGetKey => createLocalJWKSet({ keys } as unknown as JSONWebKeySet);

export interface FetchedKeysDeps {
  now?: SpanClock;
  onError: (error: unknown) => void;
}

/**
 * The keys of a JSON Web Key Set at `url`, asked for at once. They are asked for again when they are old (behind the
 * back of whoever needs them) and for a key id nobody knows, but never oftener than the cooldown allows, whatever the
 * tokens say and whether it answers or not. jose's own cooldown counts answers only, and drops old keys.
 */
export function fetchedKeys(url: URL, { now: clock = spanClock, onError }: FetchedKeysDeps): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(url, {
    timeoutDuration: limits.signingKeysFetchMs,
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
    [customFetch]: fetchBounded,
  });
  let fetchedAt = 0;
  let mayAskAt = 0;
  let waitingCount = 0;

  /** Undefined when it was asked not long ago; rejects with nothing but KeysAway. */
  function fetchAgain(): Promise<void> | undefined {
    const now = clock();
    const isAsked = remote.reloading;
    if (!isAsked && now < mayAskAt) return undefined;
    if (!isAsked) mayAskAt = now + (remote.fresh ? limits.signingKeysCooldownMs : limits.signingKeysRetryMs);
    return remote.reload().then(
      () => {
        fetchedAt = now;
        mayAskAt = Math.max(mayAskAt, now + limits.signingKeysCooldownMs);
      },
      (cause: unknown) => {
        const away = new KeysAway('the front could not fetch the signing keys of the identity provider', { cause });
        if (!isAsked) onError(away);
        // One that does not answer at all must not hold up whoever comes next as well.
        mayAskAt = Math.max(mayAskAt, clock() + limits.signingKeysRetryMs);
        throw away;
      },
    );
  }

  /** The same for a token that waits for it; there is room for so many. */
  async function awaitFetch(): Promise<void> {
    if (waitingCount >= limits.tokensWaitingMax) throw new KeysAway();
    const fetched = fetchAgain();
    if (fetched === undefined) throw new KeysAway();
    waitingCount += 1;
    await fetched.finally(() => {
      waitingCount -= 1;
    });
  }

  fetchAgain()?.catch(() => undefined);
  return async (header, token) => {
    // `fresh` means that there are any: they have no age here.
    if (!remote.fresh) await awaitFetch();
    else if (clock() - fetchedAt >= limits.signingKeysMaxAgeMs) void fetchAgain()?.catch(() => undefined);
    try {
      return await remote(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const isFetched = await awaitFetch().then(
        () => true,
        () => false,
      );
      if (!isFetched) throw error;
      return remote(header, token);
    }
  };
}

/** What is not a key set, a body without end for one, must not fill the memory. */
const fetchBounded: FetchImplementation = async (url, init) => {
  const response = await fetch(url, init);
  if (response.status !== 200 || response.body === null) return response;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > limits.signingKeysBytes) throw new errors.JWKSInvalid('The key set is too large');
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks));
};
