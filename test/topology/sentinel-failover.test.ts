import { expect, test } from 'vitest';
import { startWorker } from '../helpers/processes.ts';
import { until } from '../helpers/until.ts';
import { fronts } from '../http/front.ts';
import { type Crowd, expectIssued, expectNothingLost, outageMs, startCrowd } from './crowd.ts';
import { startSentinels } from './sentinel.ts';
import { infoOf, PASSWORD } from './servers.ts';

const file = fronts();

const tell = (what: string, crowd: Crowd) =>
  console.log(
    `Sentinel, ${what}: outage ${Math.round(outageMs(crowd))} ms, ${crowd.acknowledged().length} told, ` +
      `${crowd.failures().length} unknown`,
  );

test('a primary killed under load: Sentinel promotes another, service is back by itself, and no ticket that was told is lost', async (t) => {
  await using group = await startSentinels();
  await using front = await file.open({ redisUrl: group.url, durability: 'replica' });
  await startWorker(t, { redisUrl: group.url, databaseUrl: file.database.url() }, 'failover');
  const campaign = await front.create({ stock: 1_000_000 });
  const crowd = startCrowd(t, front, campaign);
  await until('a load', 10_000, () => crowd.shots.length > 200);

  const victim = await group.primary();
  await victim.kill();
  await until('an outage', 5_000, () => crowd.failures().length > 0);
  await until('a recovery', 30_000, () => crowd.servedInARow() > 50);
  await crowd.stop();
  expect(await group.primary()).not.toBe(victim);
  tell('kill -9', crowd);
  expect(new Set(crowd.failures().map(({ status }) => status))).toEqual(new Set([503]));
  await expectNothingLost(front, campaign, crowd);
  await expectIssued(file.database, campaign, crowd);
});

test('a primary that hangs and wakes up again as a second one: nothing it says is taken for confirmed', async (t) => {
  await using group = await startSentinels();
  await using front = await file.open({ redisUrl: group.url, durability: 'replica' });
  await startWorker(t, { redisUrl: group.url, databaseUrl: file.database.url() }, 'failover');
  const campaign = await front.create({ stock: 1_000_000 });
  const crowd = startCrowd(t, front, campaign);
  await until('a load', 10_000, () => crowd.shots.length > 200);

  const sleeper = await group.primary();
  // A front that knows only this server, as one would that has not heard of the failover.
  const alone = `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${sleeper.port}`;
  await using astray = await file.open({ redisUrl: alone, durability: 'replica' });
  expect((await astray.join(campaign, 'stray')).status).toBe(202);
  sleeper.freeze();
  await until('an outage', 5_000, () => crowd.failures().length > 0);
  await until('a recovery', 30_000, () => crowd.servedInARow() > 50);
  tell('SIGSTOP', crowd);

  const strays = startCrowd(t, astray, campaign, { name: 'stray' });
  sleeper.thaw();
  await until(
    'the old primary is a replica',
    30_000,
    async () => (await infoOf(sleeper, 'replication')).role === 'slave',
  );
  await strays.stop();
  await until('the others are served all along', 10_000, () => crowd.servedInARow() > 50);
  await crowd.stop();
  console.log(`split brain: ${strays.shots.length} joins at the old primary, ${strays.acknowledged().length} told`);
  expect(strays.acknowledged()).toEqual([]);
  await expectNothingLost(front, campaign, crowd);
});
