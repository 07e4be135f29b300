// ioredis 6.0.0 gives a Sentinel client up for good when it hears of a failover just while it asks who the primary is:
// the detector ends the connector, its `connect` throws, and the status is `end`, as if somebody had wanted that.
import type { Redis } from 'ioredis';

/** Connects again whenever `redis`, or a duplicate of it, ended without being told to. */
export function revive(redis: Redis, waitMs: number): Redis {
  const connect = redis.connect.bind(redis);
  const disconnect = redis.disconnect.bind(redis);
  const quit = redis.quit.bind(redis);
  const duplicate = redis.duplicate.bind(redis);
  let isWanted = true;
  const revived: Pick<Redis, 'connect' | 'disconnect' | 'quit' | 'duplicate'> = {
    connect(...rest) {
      isWanted = true;
      return connect(...rest);
    },
    disconnect(reconnect) {
      if (reconnect !== true) isWanted = false;
      disconnect(reconnect);
    },
    quit(...rest) {
      isWanted = false;
      return quit(...rest);
    },
    duplicate: (...rest) => revive(duplicate(...rest), waitMs),
  };
  Object.assign(redis, revived);
  redis.on('end', () => {
    if (!isWanted) return;
    setTimeout(() => {
      if (isWanted && redis.status === 'end') redis.connect().catch(() => undefined);
    }, waitMs);
  });
  return redis;
}
