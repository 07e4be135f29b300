// Reads the gates of live campaigns as they are, without the checks of the gate's own readers.
import type { StoredCampaign } from '../domain/campaign.ts';
import type { RedisClient } from '../redis/connection.ts';
import { GROUP, keys } from '../redis/keys.ts';
import { readAll, readWhole } from '../redis/reads.ts';
import { type Fact, type Fields, factOf } from './finding.ts';

export interface GateFacts {
  campaign: Pick<StoredCampaign, 'id' | 'epoch' | 'shards' | 'buckets'>;
  /** Undefined when there is none. */
  gate: Fields | undefined;
  /** By shard: undefined where the work stream has no group `issuers`; a null lag is not told by Redis, and not 0. */
  groups: readonly ({ lag: number | null } | undefined)[];
}

const FIELDS = ['epoch', 'shards', 'buckets'];

/** Never rejects. */
export function gatherGateFacts(redis: RedisClient, campaigns: readonly StoredCampaign[]): Promise<Fact<GateFacts[]>> {
  return factOf(async () => {
    const values = (await readWhole(
      redis,
      campaigns.map(({ id }) => ['hmget', keys.gate(id), ...FIELDS] as const),
    )) as (string | null)[][];
    const works = campaigns.flatMap((campaign) => keys.works(campaign));
    const replies = (
      await readAll(
        redis,
        works.map((work) => ['xinfo', 'GROUPS', work] as const),
      )
    ).values();
    return campaigns.map((campaign, index) => ({
      campaign,
      gate: values[index]!.every((value) => value === null)
        ? undefined
        : Object.fromEntries(FIELDS.map((field, at) => [field, values[index]![at] ?? ''])),
      groups: Array.from({ length: campaign.shards }, () => groupOf(replies.next().value)),
    }));
  });
}

function groupOf(reply: unknown): { lag: number | null } | undefined {
  if (reply instanceof Error && reply.message.includes('no such key')) return undefined;
  if (reply instanceof Error) throw reply;
  const groups = (reply as unknown[][]).map((flat) => new Map(flat.map((name, at) => [name, flat[at + 1]])));
  const group = groups.find((fields) => fields.get('name') === GROUP);
  return group === undefined ? undefined : { lag: (group.get('lag') ?? null) as number | null };
}
