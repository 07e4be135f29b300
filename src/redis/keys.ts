// Every key name of Sluice. All keys of a campaign share the hash tag {campaign}, so that one script may touch them.

export const GROUP = 'issuers';

const of = (campaign: string, rest: string): string => `sluice:{${campaign}}:${rest}`;

export const keys = {
  gate: (campaign: string) => of(campaign, 'gate'),
  free: (campaign: string) => of(campaign, 'free'),
  exceptions: (campaign: string) => of(campaign, 'exceptions'),
  /** Tags of the newest cancellations, by number: what a front must not answer from memory any more. */
  cancelled: (campaign: string) => of(campaign, 'cancelled'),
  work: (campaign: string, shard: number) => of(campaign, `work:${shard}`),
  /** All work streams of a campaign, in the order of their shards. */
  works: ({ id, shards }: { id: string; shards: number }) =>
    Array.from({ length: shards }, (_, shard) => of(id, `work:${shard}`)),
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
  /** Requests of one client over all fronts; see `http/client-limits.ts`. */
  clientLimit: 'sluice:limit',
  /** What each worker reported last: one hash for all of them; see `worker-reports.ts`. */
  workers: 'sluice:workers',
  /** BullMQ's prefix: the braces keep its keys in one Cluster slot. */
  retryPrefix: '{sluice-retry}',
  /** Campaigns that somebody asks for while their gate is closed: workers recover these first; see `asked-gates.ts`. */
  askedGates: 'sluice:asked',
};
