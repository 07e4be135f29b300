// What open campaigns cost where Kafka carries the tickets: the worker, the stores and the broker without a buyer, and the
// buyers of one more campaign.
import { setTimeout as sleep } from 'node:timers/promises';
import { openBroker, workerThrough } from '../figures/kafka.ts';
import { startWorker } from '../sluice.ts';
import { buy, ms } from './buyers.ts';
import { idleCost, megabytes, openScene, SETTLE_MS } from './scene.ts';

const BUYERS = 200;

export const KAFKA_COLUMNS =
  'open | worker % of a core | Redis % | database % | Kafka % | Redis commands/s | worker MB | join p50 ms | to issued p50 ms | p99 ms';

export async function measureKafka(open: number, checkout: string): Promise<string[]> {
  await using broker = await openBroker();
  await using scene = await openScene(open - 1, checkout, workerThrough(broker, 'campaigns'));
  const { front, redis, database } = scene;
  await front.createCampaign({ id: 'sold', stock: 1_000_000 });
  await using worker = startWorker(front, 'w');
  await sleep(SETTLE_MS);
  const pids = { worker: worker.pid, redis: redis.pid, database: database.pid, kafka: broker.pidOf(1)! };
  const { shares, commands } = await idleCost(redis.url, pids);
  const memory = megabytes(worker.pid);
  const { joinMs, issuedMs } = await buy(front, 'sold', BUYERS);
  const times = [ms(joinMs, 0.5), ms(issuedMs, 0.5), ms(issuedMs, 0.99)];
  return [String(open), ...shares, commands, memory, ...times];
}
