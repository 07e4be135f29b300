// Every key name of Sluice. All keys of a campaign share the hash tag of its lane, so that one script may touch them.
import { LANE_TAGS, laneOf } from './lanes.ts';

export const GROUP = 'issuers';

/** The consumer of the group that carries entries to another broker; `lua/prelude/group.lua` has the same name. No worker has such a name. */
export const RELAY = '~relay';

const prefixOf = (campaign: string): string => `sluice:{${LANE_TAGS[laneOf(campaign)]}}:${campaign}:`;
const of = (campaign: string, rest: string): string => `${prefixOf(campaign)}${rest}`;

export const keys = {
  gate: (campaign: string) => of(campaign, 'gate'),
  free: (campaign: string) => of(campaign, 'free'),
  exceptions: (campaign: string) => of(campaign, 'exceptions'),
  /** Tags of the newest cancellations, by number: what a front must not answer from memory any more. */
  cancelled: (campaign: string) => of(campaign, 'cancelled'),
  work: (campaign: string, shard: number) => of(campaign, `work:${shard}`),
  /** All work streams of a campaign, in the order of their shards. */
  works: ({ id, shards }: { id: string; shards: number }) => {
    const prefix = prefixOf(id);
    return Array.from({ length: shards }, (_, shard) => `${prefix}work:${shard}`);
  },
  users: (campaign: string, bucket: number) => of(campaign, `users:${bucket}`),
  /** Held by the worker that recovers a gate, so that the others do not do the same for nothing. */
  recovery: (campaign: string) => of(campaign, 'recovery'),
  /** Held by the worker whose turn it is to compare the stores. */
  reconciliation: (campaign: string) => of(campaign, 'reconciliation'),
  /** Written so that a replica can confirm it; see `replica-barrier.ts`. */
  barrier: (campaign: string) => of(campaign, 'barrier'),
  /** All keys of a campaign but its buckets of users; the gate first, so that no script finds one that lacks the rest. */
  ofCampaign: ({ id, shards }: { id: string; shards: number }): string[] => [
    ...['gate', 'exceptions', 'free', 'cancelled', 'recovery', 'reconciliation', 'barrier'].map((rest) => of(id, rest)),
    ...keys.works({ id, shards }),
  ],
  /** The line of a campaign's lane: its campaigns with tickets that nobody has settled; see `lua/prelude/turns.lua`. */
  turns: (campaign: string) => keys.turnsOfLane(laneOf(campaign)),
  turnsOfLane: (lane: number) => `sluice:{${LANE_TAGS[lane]}}:turns`,
  /** As a gate was named before there were lanes, in a slot of its own. Nothing reads it but the doctor. */
  gateOfOldLayout: (campaign: string) => `sluice:{${campaign}}:gate`,
  /** Requests of one client over all fronts; see `http/client-limits.ts`. */
  clientLimit: 'sluice:limit',
  /** The channel on which a campaign's name says that it has tickets again; `lua/prelude/turns.lua` has the same name. */
  arrivals: 'sluice:arrivals',
  /** Held by the worker whose turn it is to compare the lines with the gates. */
  sweep: 'sluice:sweep',
  /** Held by the worker whose turn it is to look for what operators are told of; and what they were told of. */
  noticeTurn: 'sluice:notices',
  noticed: (what: string) => `sluice:noticed:${what}`,
  /** Held by the worker whose turn it is to carry entries to another broker. */
  relay: 'sluice:relay',
  /** Held by the worker whose turn it is to tell other services what was issued. */
  publisher: 'sluice:publisher',
  /** What each worker reported last: one hash for all of them; see `worker-reports.ts`. */
  workers: 'sluice:workers',
  /** The same of fronts. */
  fronts: 'sluice:fronts',
  /** BullMQ's prefix: the braces keep its keys in one Cluster slot. */
  retryPrefix: '{sluice-retry}',
  /** Campaigns that somebody asks for while their gate is closed: workers recover these first; see `asked-gates.ts`. */
  askedGates: 'sluice:asked',
};
