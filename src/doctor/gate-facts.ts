// Reads the gates of live campaigns as they are, without the checks of the gate's own readers.
import type { Redis } from 'ioredis';
import type { StoredCampaign } from '../domain/campaign.ts';
import { GROUP, keys } from '../redis/keys.ts';
import { type Fact, type Fields, factOf } from './finding.ts';

export interface GateFacts {
  campaign: Pick<StoredCampaign, 'id' | 'epoch' | 'shards' | 'buckets'>;
  /** Undefined when there is none. */
  gate: Fields | undefined;
  /** By shard: undefined where the work stream has no group `issuers`; a null lag is not told by Redis, and not 0. */
  groups: readonly ({ lag: number | null } | undefined)[];
}

const FIELDS = ['epoch', 'shards', 'buckets'];

/** In two round trips, whatever the number of campaigns. Never rejects. */
export function gatherGateFacts(redis: Redis, campaigns: readonly StoredCampaign[]): Promise<Fact<GateFacts[]>> {
  return factOf(async () => {
    if (campaigns.length === 0) return [];
    const gates = redis.pipeline();
    for (const { id } of campaigns) gates.hmget(keys.gate(id), ...FIELDS);
    const values = await told<(string | null)[]>(gates.exec());
    const groups = redis.pipeline();
    for (const { id, shards } of campaigns) {
      for (let shard = 0; shard < shards; shard += 1) groups.xinfo('GROUPS', keys.work(id, shard));
    }
    const replies = (await groups.exec())!.values();
    return campaigns.map((campaign, index) => ({
      campaign,
      gate: values[index]!.every((value) => value === null)
        ? undefined
        : Object.fromEntries(FIELDS.map((field, at) => [field, values[index]![at] ?? ''])),
      groups: Array.from({ length: campaign.shards }, () => groupOf(replies.next().value!)),
    }));
  });
}

async function told<T>(executed: Promise<[Error | null, unknown][] | null>): Promise<T[]> {
  return (await executed)!.map(([error, value]) => {
    if (error) throw error;
    return value as T;
  });
}

function groupOf([error, reply]: [Error | null, unknown]): { lag: number | null } | undefined {
  if (error?.message.includes('no such key')) return undefined;
  if (error) throw error;
  const groups = (reply as unknown[][]).map((flat) => new Map(flat.map((name, at) => [name, flat[at + 1]])));
  const group = groups.find((fields) => fields.get('name') === GROUP);
  return group === undefined ? undefined : { lag: (group.get('lag') ?? null) as number | null };
}
