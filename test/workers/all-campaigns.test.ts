import { expect, test } from 'vitest';
import type { Batch } from '../../src/broker/port.ts';
import { keys } from '../../src/redis/keys.ts';
import { redisUrl } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties, users } from './duties.ts';

const database = ownDatabase();

test('a gate that was rebuilt under another epoch has its tickets issued under that', async (t) => {
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 5 });
  await duties.client().admit(campaign, ['user-1']);
  const source = duties.openSource();
  t.onTestFinished(() => source.close().then(() => undefined));
  const received: Batch[] = [];
  const epochs = async () => {
    for (const batch of received.splice(0)) source.release(batch, 'unsettled');
    received.push(...(await source.receive(100)));
    return received.filter((batch) => batch.campaign === campaign).map(({ epoch }) => epoch);
  };
  await until('it is carried', async () => (await epochs()).includes(1));
  await duties.redis.hset(keys.gate(campaign), 'epoch', 2);
  await until('it is carried under its new epoch', async () => (await epochs()).includes(2));
});

test('one issuer issues the tickets of campaigns that open and close while it runs', async (t) => {
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger: database.open() });
  const client = duties.client();
  duties.issueAll();
  for (const shards of [1, 3]) {
    const campaigns = [await duties.openCampaign({ stock: 40, shards }), await duties.openCampaign({ stock: 40 })];
    const tickets = await Promise.all(campaigns.map((campaign) => client.admit(campaign, users(1, 40))));
    for (const ticket of tickets.flat()) await client.untilStatus(ticket, 'issued');
    for (const campaign of campaigns) await duties.store.setState(campaign, 'closed', 'tester');
  }
  const rows = await database.sql('SELECT COUNT(*) AS n FROM issuances WHERE user = ?', ['user-40']);
  expect(rows).toEqual([{ n: 4 }]);
});
