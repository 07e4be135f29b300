// What durability `replica` costs a join: `npm run bench:barrier`. One front's admission, without HTTP, against a primary
// with two replicas on the same machine; the same crowd without and with the barrier, turn by turn.
import { createCampaigns } from '../src/admission/campaigns.ts';
import { createJoins } from '../src/admission/joins.ts';
import { type Campaign, newSettings } from '../src/domain/campaign.ts';
import { createFrontReaders } from '../src/gate/redis/front-readers.ts';
import { createGate } from '../src/gate/redis/gate.ts';
import { limits } from '../src/process/limits.ts';
import { openFast, untilReady } from '../src/redis/connection.ts';
import { createReplicaBarrier, type ReplicaBarrier } from '../src/redis/replica-barrier.ts';
import { percentile } from '../src/rehearsal/percentiles.ts';
import { startSentinels } from '../test/topology/sentinel.ts';

const SECONDS = 4;
const ROUNDS = 3;
const WIDTHS = [8, 64, 512];
const SETTINGS = {
  ...newSettings({ id: 'bench', stock: 5_000_000 }),
  buckets: 4_096,
  state: 'active',
  version: 1,
  epoch: 1,
  createdAt: 0,
} as const;

await using group = await startSentinels();
const onError = (error: unknown) => console.error(error);
const redis = openFast({ url: group.url, name: 'bench', onError, commandMs: limits.gateCallMs });
await untilReady(redis, 5_000);
const barrier = createReplicaBarrier(redis, onError);
const gate = createGate(redis);

async function run(width: number, between: Pick<ReplicaBarrier, 'begin'> | undefined) {
  const id = `bench-${Math.random().toString(36).slice(2)}`;
  await gate.project({ ...SETTINGS, id, name: id } satisfies Campaign, true);
  const readers = {
    ...createFrontReaders(redis),
    findEnd: async () => undefined,
    exists: () => false,
    onFound: () => undefined,
  };
  const campaigns = createCampaigns({ ...readers, onError });
  const joins = createJoins({ gate, campaigns, barrier: between });
  const tookMs: number[] = [];
  const endsAt = performance.now() + SECONDS * 1_000;
  const crowd = Array.from({ length: width }, async (_, member) => {
    for (let i = 0; performance.now() < endsAt; i += 1) {
      const askedAt = performance.now();
      await joins.join(id, `user-${member}-${i}`, '');
      tookMs.push(performance.now() - askedAt);
    }
  });
  await Promise.all(crowd);
  return { joinsPerSecond: tookMs.length / SECONDS, tookMs };
}

console.log('joins at once | durability | joins/s | p50 ms | p99 ms | barrier p50 ms | barrier p99 ms');
for (const width of WIDTHS) {
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const durability of ['memory', 'replica']) {
      const passed: number[] = [];
      const timed: Pick<ReplicaBarrier, 'begin'> = {
        begin(campaign) {
          const confirm = barrier.begin(campaign);
          return async () => {
            const startedAt = performance.now();
            await confirm();
            passed.push(performance.now() - startedAt);
          };
        },
      };
      const { joinsPerSecond, tookMs } = await run(width, durability === 'replica' ? timed : undefined);
      const cells = [tookMs, passed].flatMap((values) =>
        [0.5, 0.99].map((p) => percentile(values, p)?.toFixed(2) ?? '–'),
      );
      console.log([width, durability, Math.round(joinsPerSecond), ...cells].join(' | '));
    }
  }
}
barrier.close();
redis.disconnect();
