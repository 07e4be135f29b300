import { once } from 'node:events';
import { expect, test } from 'vitest';
import { isAlive } from '../../src/local/process-identity.ts';
import { temporaryFolder } from '../helpers/own-names.ts';
import {
  gone,
  query,
  recorded,
  redisClient,
  searchPathWithoutSetpriv,
  spawnParent,
  startBoth,
  urlsOf,
} from './own-services.ts';

test('after kill -9 of the parent the next start stops what was left and works on the same data', async (t) => {
  const dataDir = await temporaryFolder(t);
  const parent = spawnParent(t, dataDir, await searchPathWithoutSetpriv(t));
  const { redisUrl, databaseUrl } = await urlsOf(parent);
  await redisClient(t, redisUrl).set('admitted', '42');
  await query(databaseUrl, 'CREATE TABLE issued AS SELECT 42 AS seq');
  const left = [recorded(dataDir, 'redis'), recorded(dataDir, 'database')];
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  expect(left.map(isAlive)).toEqual([true, true]);

  const next = await startBoth(t, dataDir);
  expect(left.map(isAlive)).toEqual([false, false]);
  expect(next.lines.filter((line) => line.includes('left by an earlier run'))).toHaveLength(2);
  expect([next.redisUrl, next.databaseUrl]).toEqual([redisUrl, databaseUrl]);
  expect(await redisClient(t, next.redisUrl).get('admitted')).toBe('42');
  expect(await query(next.databaseUrl, 'SELECT seq FROM issued')).toEqual([{ seq: 42 }]);
});

test.runIf(process.platform === 'linux')(
  'on Linux the servers stop by themselves after kill -9 of the parent',
  async (t) => {
    const dataDir = await temporaryFolder(t);
    const parent = spawnParent(t, dataDir);
    await urlsOf(parent);
    const left = [recorded(dataDir, 'redis'), recorded(dataDir, 'database')];
    parent.kill('SIGKILL');
    await gone(left);
  },
);
