import { expect, test } from 'vitest';
import { frontPromise, workerPromise } from '../../src/doctor/configured.ts';
import { limits } from '../../src/process/limits.ts';
import { read } from '../tidy/sources.ts';

const config = {
  admin: { host: '127.0.0.1', token: 'token' },
  front: { host: '127.0.0.1' },
  workers: { count: 2, connections: 3 },
  identity: { kind: 'header' },
  telemetry: { on: false },
} as unknown as Parameters<typeof frontPromise>[0];

test('a front wants connections for every pool that it opens, and for those of its workers', () => {
  const pools = read('src/opening/front.ts').match(/\bopenLedger\(/g) ?? [];
  expect(pools.length).toBeGreaterThan(0);
  expect(frontPromise(config).connectionsWanted).toBe(pools.length * limits.adminConnectionsMax + 2 * 3);
  expect(workerPromise(config).connectionsWanted).toBe(3);
  expect(frontPromise(config).redisConnectionsWanted).toBe(
    limits.frontRedisConnections + 2 * limits.workerRedisConnections,
  );
});
