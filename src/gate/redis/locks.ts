// A lease that one process holds until it releases it, or until it has been silent for too long. A lease saves double work;
// what must never be done twice is fenced by what it writes to.
import { randomUUID } from 'node:crypto';
import { limits } from '../../process/limits.ts';
import { type RedisClient, rethrow } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import type { GateLease, GateLocks, LeaseSpans } from '../port.ts';

const SPANS: LeaseSpans = { leaseMs: limits.recoveryLeaseMs, renewMs: limits.recoveryRenewMs };

const renew = loadScript('lease-renew');
const release = loadScript('lease-release');

/** Takes the lease `key` and renews it until it is disposed of; undefined while somebody else has it. Throws a Fault. */
export async function takeLease(
  redis: RedisClient,
  key: string,
  holder: string,
  { leaseMs, renewMs }: LeaseSpans = SPANS,
): Promise<GateLease | undefined> {
  const token = `${holder} ${randomUUID()}`;
  if ((await redis.set(key, token, 'PX', leaseMs, 'NX').catch(rethrow)) !== 'OK') return undefined;
  const lost = new AbortController();
  let renewedAt = performance.now();
  const timer = setInterval(() => {
    const askedAt = performance.now();
    runScript(redis, renew, [key], [token, leaseMs]).then(
      (renewed) => {
        if (renewed === 1) renewedAt = askedAt;
        else lost.abort();
      },
      // Redis may be away for a moment: the lease is lost only when it has surely ended.
      () => {
        if (performance.now() - renewedAt > leaseMs) lost.abort();
      },
    );
  }, renewMs);
  return {
    token,
    lost: lost.signal,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await runScript(redis, release, [key], [token]).catch(() => undefined); // it ends by itself
    },
  };
}

/** Whose turn it is with a gate. */
export const createGateLocks = (redis: RedisClient): GateLocks => ({
  lease: (campaign, holder, spans) => takeLease(redis, keys.recovery(campaign), holder, spans),
  async takeTurn(campaign, holder, ms) {
    const key = keys.reconciliation(campaign);
    if ((await redis.set(key, holder, 'PX', ms, 'NX').catch(rethrow)) === 'OK') return true;
    return (await runScript(redis, renew, [key], [holder, ms]).catch(rethrow)) === 1;
  },
});
