import { Command } from 'ioredis';
import { expect, test } from 'vitest';
import { keys } from '../../src/redis/keys.ts';
import { startWorker } from '../helpers/processes.ts';
import { until } from '../helpers/until.ts';
import { fronts } from '../http/front.ts';
import { startCluster, type TestCluster } from './cluster.ts';
import { expectIssued, expectNothingLost, startCrowd } from './crowd.ts';
import { PASSWORD, type Server } from './servers.ts';

const file = fronts();

/** As `redis-cli --cluster reshard` does it, with time between the steps for everybody to meet a slot that is in two places. */
async function moveSlot(
  cluster: TestCluster,
  slot: number,
  from: Server,
  to: Server,
  pauseMs: number,
): Promise<number> {
  const [source, target] = await Promise.all(
    [from, to].map(async ({ client }) => String(await client.cluster('MYID'))),
  );
  await to.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source!);
  await from.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target!);
  let movedCount = 0;
  for (;;) {
    const names = (await from.client.call('CLUSTER', 'GETKEYSINSLOT', slot, 5)) as string[];
    if (names.length === 0) break;
    await from.client.call('MIGRATE', '127.0.0.1', to.port, '', 0, 5_000, 'AUTH', PASSWORD, 'KEYS', ...names);
    movedCount += names.length;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  for (const { client } of [to, from, ...cluster.servers.slice(0, 3)]) {
    await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', target!);
  }
  return movedCount;
}

test.for(['disk', 'replica'] as const)(
  'a campaign that moves to another node under load meets 503 at worst, and no ticket twice (%s)',
  async (durability, t) => {
    await using cluster = await startCluster();
    await using front = await file.open({ redisUrl: cluster.url, durability });
    await startWorker(t, { redisUrl: cluster.url, databaseUrl: file.database.url() }, 'mover');
    const campaign = await front.create({ stock: 1_000_000, shards: 4 });
    const crowd = startCrowd(t, front, campaign);
    await until('a load', 10_000, () => crowd.shots.length > 300);
    const polls = new Set<number>();
    let isOver = false;
    const polling = (async () => {
      while (!isOver) {
        const told = crowd.acknowledged();
        polls.add((await front.poll(told[Math.floor(Math.random() * told.length)]!.ticket)).status);
      }
    })();

    const slot = new Command('get', [keys.gate(campaign)]).getSlot()!;
    const from = await cluster.primaryOf(keys.gate(campaign));
    const to = cluster.servers.slice(0, 3).find((server) => server !== from)!;
    const movedCount = await moveSlot(cluster, slot, from, to, 50);
    await until('a recovery', 20_000, () => crowd.servedInARow() > 50);
    isOver = true;
    await Promise.all([crowd.stop(), polling]);

    console.log(
      `slot of ${movedCount} keys moved (${durability}): ${crowd.acknowledged().length} told, ${crowd.failures().length} unknown`,
    );
    expect(movedCount).toBeGreaterThan(10);
    expect(await cluster.primaryOf(keys.gate(campaign))).toBe(to);
    expect([...new Set(crowd.failures().map(({ status }) => status))].filter((status) => status !== 503)).toEqual([]);
    expect([...polls].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    await expectNothingLost(front, campaign, crowd);
    await expectIssued(file.database, campaign, crowd);
    expect(front.errors).toEqual([]);
  },
);
