// The numbers of what waits. Each process that looks tells the same: take `max` over them, never `sum`.
import type { QueueLook } from '../domain/queue-look.ts';
import { limits } from '../process/limits.ts';
import { gauge, gauges, highest } from './instruments.ts';

/**
 * One call for each process. `look` gives the last look, undefined while Redis does not answer; `allowed` are the campaigns
 * that may be labels, undefined for those with the longest backlogs.
 */
export function queueMetrics(look: () => QueueLook | undefined, allowed: readonly string[] | undefined): void {
  gauge('sluice_backlog', 'Tickets that are admitted and not settled, over all campaigns', () => look()?.backlog);
  gauge('sluice_oldest_wait_seconds', 'Time since the oldest ticket that waits was admitted; 0 when none waits', () => {
    const ms = look()?.oldestWaitMs;
    return ms === undefined ? undefined : ms / 1_000;
  });
  const shards = (count: 'undelivered' | 'pending') => () => {
    const sums = look()?.shards;
    // A number that is there at 0 can be compared; a missing one cannot.
    if (sums?.length === 0) return [[0, { shard: '0' }]] as const;
    return (sums ?? []).map((one, shard) => [one[count], { shard: String(shard) }] as const);
  };
  gauges(
    'sluice_undelivered_tickets',
    'Tickets that wait and that no worker has received, by shard, over the campaigns with the longest backlogs',
    shards('undelivered'),
  );
  gauges(
    'sluice_pending_tickets',
    'Tickets that a worker has received and not settled, by shard, over the campaigns with the longest backlogs',
    shards('pending'),
  );
  gauges(
    'sluice_campaign_backlog',
    'Tickets of a campaign that are admitted and not settled; the campaign "other" is all that have no label',
    () => {
      const found = look()?.byCampaign;
      return found === undefined ? [] : labelled(found, allowed).map(([campaign, count]) => [count, { campaign }]);
    },
  );
}

function labelled(
  backlogs: ReadonlyMap<string, number>,
  allowed: readonly string[] | undefined,
): (readonly [string, number])[] {
  if (allowed === undefined) return highest(backlogs, limits.labelledCampaignsMax);
  const named = allowed.map((id): [string, number] => [id, backlogs.get(id) ?? 0]);
  const others = [...backlogs].reduce((sum, [id, count]) => sum + (allowed.includes(id) ? 0 : count), 0);
  return [...named, ['other', others]];
}
