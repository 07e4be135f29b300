// Before each file: what an earlier file left waiting is in no line, so that no worker of this one takes it.
import { afterAll, beforeAll } from 'vitest';
import { createClient } from '../../src/redis/client.ts';
import { keys } from '../../src/redis/keys.ts';
import { LANE_TAGS } from '../../src/redis/lanes.ts';
import { redisUrl } from './services.ts';

async function emptyLines(): Promise<void> {
  const redis = createClient({ url: redisUrl() }, { name: 'lines', silentMs: 60_000, retries: null, queue: true });
  redis.on('error', () => undefined);
  try {
    await Promise.all(LANE_TAGS.map((_, lane) => redis.del(keys.turnsOfLane(lane))));
  } finally {
    redis.disconnect();
  }
}

beforeAll(emptyLines);
afterAll(emptyLines);
