import { expect, test } from 'vitest';
import { mapSettings, SETTINGS } from '../../src/domain/campaign-settings.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { createGateReader } from '../../src/gate/redis/gate-reader.ts';
import { campaignOf, testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';

/** For each setting a value that no other has. */
const unlike = (from: number) => {
  let last = from;
  const next = () => {
    last += 1;
    return last;
  };
  return mapSettings(SETTINGS, 'name', { name: () => `name ${next()}`, instant: next, integer: next });
};

test('a gate has each setting as it was projected, and follows a change of any but the shards', async (t) => {
  const redis = testRedis(t);
  const gate = createGate(redis);
  const campaign = campaignOf(uniqueName('settings'), unlike(10));
  const view = async () => (await createGateReader(redis)([campaign.id]))[0];
  expect(await gate.project(campaign, true)).toBe('projected');
  expect(await view()).toMatchObject(unlike(10));
  const changed = { ...unlike(30), shards: campaign.shards };
  expect(await gate.project({ ...campaign, ...changed, version: 2 }, false)).toBe('projected');
  expect(await view()).toMatchObject({ ...changed, version: 2 });
});
