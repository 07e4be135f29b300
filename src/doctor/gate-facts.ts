// Reads the gates of live campaigns as they are, without the checks of the gate's own readers.
import type { StoredCampaign } from '../domain/campaign.ts';
import { epochMsOf } from '../domain/clock.ts';
import type { RedisClient } from '../redis/connection.ts';
import { GROUP, keys } from '../redis/keys.ts';
import { readAll, readWhole } from '../redis/reads.ts';
import { runIdsOf } from '../redis/server-runs.ts';
import { type Fact, type Fields, factOf } from './finding.ts';

export interface GateFacts {
  campaign: Pick<StoredCampaign, 'id' | 'epoch' | 'shards' | 'buckets'>;
  /** Undefined when there is none. */
  gate: Fields | undefined;
  /** Whether Redis holds keys under the names that they had before there were lanes. */
  hasOldLayout: boolean;
  /** By shard: undefined where the work stream has no group `issuers`; a null lag is not told by Redis, and not 0. */
  groups: readonly ({ lag: number | null } | undefined)[];
  /** Tickets admitted and not settled, by the gate's own counters, and the age of the oldest; null when none has an entry. */
  waiting: { count: number; oldestMs: number | null };
}

const FIELDS = ['epoch', 'shards', 'buckets'];
const COUNTERS = ['seq', 'settled'];

/** Never rejects. */
export function gatherGateFacts(redis: RedisClient, campaigns: readonly StoredCampaign[]): Promise<Fact<GateFacts[]>> {
  return factOf(async () => {
    const values = (await readWhole(
      redis,
      campaigns.map(({ id }) => ['hmget', keys.gate(id), ...FIELDS, ...COUNTERS] as const),
    )) as (string | null)[][];
    const old = await readWhole(
      redis,
      campaigns.map(({ id }) => ['exists', keys.gateOfOldLayout(id)] as const),
    );
    const works = campaigns.flatMap((campaign) => keys.works(campaign));
    const groups = await readAll(
      redis,
      works.map((work) => ['xinfo', 'GROUPS', work] as const),
    );
    const oldest = await readAll(
      redis,
      works.map((work) => ['xrange', work, '-', '+', 'COUNT', 1] as const),
    );
    // The time in an entry is Redis's, and so is the age.
    const now = epochMsOf(await redis.time());
    let at = 0;
    return campaigns.map((campaign, index) => {
      const fields = values[index]!;
      const from = at;
      at += campaign.shards;
      return {
        campaign,
        gate: fields.every((value) => value === null)
          ? undefined
          : Object.fromEntries(FIELDS.map((field, column) => [field, fields[column] ?? ''])),
        hasOldLayout: old[index] === 1,
        groups: groups.slice(from, at).map(groupOf),
        waiting: {
          count: Math.max(0, Number(fields[FIELDS.length] ?? 0) - Number(fields[FIELDS.length + 1] ?? 0)),
          oldestMs: oldestOf(oldest.slice(from, at), now),
        },
      };
    });
  });
}

/** Ids of campaigns whose gate is not there, or was not verified since its server started. Never rejects. */
export function gatherUnverified(
  redis: RedisClient,
  campaigns: readonly Pick<StoredCampaign, 'id'>[],
): Promise<Fact<string[]>> {
  return factOf(async () => {
    const runs = await runIdsOf(redis);
    const values = (await readWhole(
      redis,
      campaigns.map(({ id }) => ['hmget', keys.gate(id), 'run_id'] as const),
    )) as (string | null)[][];
    return campaigns.filter((_, index) => !runs.has(values[index]![0] ?? '')).map(({ id }) => id);
  });
}

function groupOf(reply: unknown): { lag: number | null } | undefined {
  if (reply instanceof Error && reply.message.includes('no such key')) return undefined;
  if (reply instanceof Error) throw reply;
  const groups = (reply as unknown[][]).map((flat) => new Map(flat.map((name, at) => [name, flat[at + 1]])));
  const group = groups.find((fields) => fields.get('name') === GROUP);
  return group === undefined ? undefined : { lag: (group.get('lag') ?? null) as number | null };
}

/** Settled entries are trimmed away, so the first entry of each stream is its oldest that waits. */
function oldestOf(replies: readonly unknown[], now: number): number | null {
  const entries = replies.flatMap((reply) => (Array.isArray(reply) ? (reply as [string, string[]][]) : []));
  const times = entries.map(([, fields]) => Number(fields[fields.indexOf('admitted_at') + 1]));
  const oldest = Math.min(...times.filter(Number.isFinite));
  return Number.isFinite(oldest) ? Math.max(0, Math.round(now - oldest)) : null;
}
