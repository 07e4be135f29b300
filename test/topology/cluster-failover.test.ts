import { expect, test } from 'vitest';
import { keys } from '../../src/redis/keys.ts';
import { startWorker } from '../helpers/processes.ts';
import { until } from '../helpers/until.ts';
import { fronts, type TestFront } from '../http/front.ts';
import { startCluster, type TestCluster } from './cluster.ts';
import { expectIssued, expectNothingLost, outageMs, startCrowd } from './crowd.ts';

const file = fronts();

/** A campaign for each primary, in the order of the servers. */
async function campaignsByPrimary(front: TestFront, cluster: TestCluster): Promise<string[]> {
  const found = new Map<number, string>();
  while (found.size < 3) {
    const id = await front.create({ stock: 1_000_000 });
    found.set((await cluster.primaryOf(keys.gate(id))).port, id);
  }
  return cluster.servers.slice(0, 3).map(({ port }) => found.get(port)!);
}

test('a primary of the Cluster killed under load: only its users wait, and nobody who was told loses a ticket', async (t) => {
  await using cluster = await startCluster();
  const stores = { redisUrl: cluster.url, databaseUrl: file.database.url() };
  await using front = await file.open({ redisUrl: cluster.url, durability: 'replica' });
  await startWorker(t, stores, 'failover');
  const [dying, ...others] = await campaignsByPrimary(front, cluster);
  const crowd = startCrowd(t, front, dying!);
  const bystanders = others.map((campaign) => startCrowd(t, front, campaign, { width: 3 }));
  await until('a load', 10_000, () => [crowd, ...bystanders].every(({ shots }) => shots.length > 100));

  const victim = cluster.servers[0]!;
  await victim.kill();
  await until('an outage', 5_000, () => crowd.failures().length > 0);
  const heir = await cluster.primaryOf(keys.gate(dying!));
  // As whoever supervises it would: with `replica` nobody is told of a ticket while the heir has no replica.
  await victim.start();
  await until('a recovery', 20_000, () => crowd.servedInARow() > 50);
  await Promise.all([crowd, ...bystanders].map(({ stop }) => stop()));
  expect(heir).not.toBe(victim);

  const slowestBystander = Math.max(...bystanders.flatMap(({ shots }) => shots.map(({ tookMs }) => tookMs)));
  console.log(
    `cluster, kill -9: outage ${Math.round(outageMs(crowd))} ms, ${crowd.acknowledged().length} told, ` +
      `${crowd.failures().length} unknown; slowest join elsewhere ${Math.round(slowestBystander)} ms`,
  );
  expect(new Set(crowd.failures().map(({ status }) => status))).toEqual(new Set([503]));
  for (const bystander of bystanders) expect(bystander.failures()).toEqual([]);
  await expectNothingLost(front, dying!, crowd);
  await expectIssued(file.database, dying!, crowd);
});
