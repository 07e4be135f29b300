// The numbers of a front: what it decided, how long that took, and what it holds just now.
import { DECISION_KINDS, type DecisionKind } from '../domain/decision.ts';
import type { CampaignLabels } from './campaign-labels.ts';
import { createHistogram, type Observe } from './histograms.ts';
import { counter, gauge, gauges, labelledCounter } from './instruments.ts';

export interface FrontReadings {
  joinsWaiting: () => number;
  clientsWaiting: (kind: 'long-poll' | 'stream') => number;
  eventLoopLagMs: () => number;
  /** Undefined while it is unknown. */
  redisClockErrorMs: () => number | undefined;
  /** Undefined while it is unknown. */
  workersSeen: () => { seenCount: number; readyCount: number } | undefined;
  /** Undefined while it is unknown. */
  noneReadyMs: () => number | undefined;
  /** What the front remembers of a campaign's gate; undefined for nothing. */
  stockOf: (campaign: string) => { stock: number; remaining: number } | undefined;
}

export interface FrontMetrics {
  decisions: Record<DecisionKind, number>;
  shed: Record<'event-loop' | 'gate', number>;
  /** Takes the seconds that a join took which the gate decided. */
  observeJoin: Observe;
  /** Counts a decision to its campaign. */
  countJoin: (campaign: string, decision: DecisionKind) => void;
}

/** Half a millisecond to ten seconds. */
const JOIN_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1, 2.5, 5, 10];

/** One call for each front. */
export function frontMetrics(read: FrontReadings, labels: CampaignLabels): FrontMetrics {
  gauge('sluice_workers_seen', 'Workers that have reported to Redis recently', () => read.workersSeen()?.seenCount);
  gauge(
    'sluice_workers_ready',
    'Workers that have reported to Redis recently and can issue',
    () => read.workersSeen()?.readyCount,
  );
  gauge('sluice_no_worker_ready_seconds', 'Time for which this front has seen no ready worker; 0 while one is', () =>
    seconds(read.noneReadyMs()),
  );
  gauge('sluice_joins_waiting', 'Joins that wait for a gate call', read.joinsWaiting);
  gauges('sluice_clients_waiting', 'Open long-polls and event streams of clients, by kind', () =>
    (['long-poll', 'stream'] as const).map((kind) => [read.clientsWaiting(kind), { kind }]),
  );
  gauge('sluice_event_loop_lag_seconds', 'Delay of the event loop', () => seconds(read.eventLoopLagMs()));
  gauge('sluice_redis_clock_error_seconds', "Upper limit of the error in the front's estimate of the Redis clock", () =>
    seconds(read.redisClockErrorMs()),
  );
  const joinSeconds = createHistogram({
    name: 'sluice_join_seconds',
    description: 'Time from receiving a join to its decision, for joins that the gate decided',
    unit: 's',
    boundaries: JOIN_SECONDS,
  });
  return {
    decisions: labelledCounter('sluice_admissions', 'Joins by decision', 'decision', DECISION_KINDS),
    shed: labelledCounter('sluice_joins_shed', 'Joins refused by load shedding, by what was too slow', 'reason', [
      'event-loop',
      'gate',
    ]),
    observeJoin: joinSeconds(),
    countJoin: campaignMetrics(read, labels),
  };
}

/** The numbers of single campaigns: of those that have a label, and together of all others. */
function campaignMetrics({ stockOf }: FrontReadings, labels: CampaignLabels): FrontMetrics['countJoin'] {
  const counts = new Map<string, Record<DecisionKind, number>>();
  labels.onRemoved((campaign) => counts.delete(campaign));
  counter(
    'sluice_campaign_joins',
    'Joins by campaign and decision; the campaign "other" is all that have no label',
    () =>
      [...counts].flatMap(([campaign, decisions]) =>
        DECISION_KINDS.map((decision) => [decisions[decision], { campaign, decision }] as const),
      ),
  );
  const stocks = (read: 'stock' | 'remaining') =>
    labels.named().flatMap((campaign) => {
      const found = stockOf(campaign);
      return found === undefined ? [] : [[found[read], { campaign }] as const];
    });
  gauges('sluice_campaign_stock', 'Units of a campaign', () => stocks('stock'));
  gauges('sluice_campaign_remaining', 'Units of a campaign that can still be had', () => stocks('remaining'));
  return (campaign, decision) => {
    const label = labels.of(campaign);
    let decisions = counts.get(label);
    if (decisions === undefined) {
      decisions = Object.fromEntries(DECISION_KINDS.map((kind) => [kind, 0])) as Record<DecisionKind, number>;
      counts.set(label, decisions);
    }
    decisions[decision] += 1;
  };
}

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1_000);
