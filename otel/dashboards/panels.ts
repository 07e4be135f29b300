// The panels of the dashboards as data: what an operator asks, and the expression that answers it.
import { type Board, graph, JOIN, number, p, rate } from './panel.ts';

const sale: Board = {
  id: 'sluice-sale',
  title: 'Sluice: sale',
  rows: [
    {
      title: 'Is the sale well?',
      panels: [
        number(
          'Faults',
          'percentunit',
          'Share of buyers’ requests that end in a fault. 1 % warns, 5 % pages. Refusals are apart.',
          ['sluice:public_faults:ratio_rate1m', 'faults'],
        ),
        number('Join p99', 's', 'Objective: below 0.8 s.', [`sluice:request_seconds:p99_1m{${JOIN}}`, 'p99']),
        number('Join to issued p99', 's', 'Objective: 99.9 % within 30 s.', [
          'sluice:join_to_issued_seconds:p99_5m',
          'p99',
        ]),
        number('Ready workers', 'short', '0 pages: tickets wait and are not lost.', [
          'max(sluice_workers_ready)',
          'ready',
        ]),
      ],
    },
    {
      title: 'Requests of buyers',
      panels: [
        graph(
          'Requests by outcome',
          'reqps',
          '`refused` is a sale that says no as intended; `fault` is one that broke.',
          [
            `sum by (outcome) (${rate('http_server_request_duration_seconds_count{http_route=~"/v1/.+"}')})`,
            '{{outcome}}',
          ],
        ),
        graph('Requests by route', 'reqps', 'Joins, polls, give-backs.', [
          `sum by (http_request_method, http_route) (${rate('http_server_request_duration_seconds_count{http_route=~"/v1/.+"}')})`,
          '{{http_request_method}} {{http_route}}',
        ]),
        graph(
          'Time of a join',
          's',
          'All answers, refusals included. Objectives: p95 below 0.3 s, p99 below 0.8 s.',
          [`sluice:request_seconds:p95_1m{${JOIN}}`, 'p95'],
          [`sluice:request_seconds:p99_1m{${JOIN}}`, 'p99'],
          [p('0.99', 'sluice_join_seconds'), 'p99 of those that the gate decided'],
        ),
        graph('Faults by kind', 'reqps', 'The log line “answered with a server error” has the cause.', [
          `sum by (kind) (${rate('sluice_http_errors_total{kind!~"paused|backlogged|guessed"}')})`,
          '{{kind}}',
        ]),
      ],
    },
    {
      title: 'Campaigns',
      panels: [
        graph('Joins by decision', 'reqps', 'Admissions and refusals of all campaigns.', [
          `sum by (decision) (${rate('sluice_admissions_total')})`,
          '{{decision}}',
        ]),
        graph('Admitted by campaign', 'reqps', 'The busiest campaigns, and all others together.', [
          `sum by (campaign) (${rate('sluice_campaign_joins_total{decision="admitted"}')})`,
          '{{campaign}}',
        ]),
        graph('Units left', 'short', 'What buyers can still get.', [
          'max by (campaign) (sluice_campaign_remaining)',
          '{{campaign}}',
        ]),
        graph('Sold out in', 's', 'Units left by the rate of the last five minutes.', [
          'max by (campaign) (sluice_campaign_remaining) / (sum by (campaign) (rate(sluice_campaign_joins_total{decision="admitted"}[5m])) > 0)',
          '{{campaign}}',
        ]),
        graph('Campaigns by phase', 'short', 'Counted once a minute.', [
          'max by (phase) (sluice_campaigns)',
          '{{phase}}',
        ]),
        graph('Clients that wait', 'short', 'Open long-polls and streams.', [
          'sum by (kind) (sluice_clients_waiting)',
          '{{kind}}',
        ]),
      ],
    },
  ],
};

const queue: Board = {
  id: 'sluice-queue',
  title: 'Sluice: queue',
  rows: [
    {
      title: 'What waits',
      panels: [
        number('Backlog', 'short', 'Tickets that are admitted and not settled.', ['max(sluice_backlog)', 'tickets']),
        number('Oldest wait', 's', '30 s warns, 90 s pages.', ['max(sluice_oldest_wait_seconds)', 'oldest']),
        number('Empty in', 's', 'Backlog by the rate of the last minute.', ['sluice:drain_eta:seconds', 'ETA']),
        number('Dead letters', 'short', 'They wait for an operator; 5 page.', ['max(sluice_dead_letters)', 'letters']),
      ],
    },
    {
      title: 'Queue',
      panels: [
        graph(
          'Admitted and settled',
          'reqps',
          'The backlog grows by the difference.',
          [`sum(${rate('sluice_admissions_total{decision="admitted"}')})`, 'admitted'],
          [`sum(${rate('sluice_settled_total')})`, 'settled'],
        ),
        graph('Backlog by campaign', 'short', 'The largest, and all others together.', [
          'max by (campaign) (sluice_campaign_backlog)',
          '{{campaign}}',
        ]),
        graph('Undelivered by shard', 'short', 'No worker has received them. 100 warn, 300 page.', [
          'max by (shard) (sluice_undelivered_tickets)',
          'shard {{shard}}',
        ]),
        graph('Pending by shard', 'short', 'A worker has received them and not settled them.', [
          'max by (shard) (sluice_pending_tickets)',
          'shard {{shard}}',
        ]),
        graph(
          'Wait of a ticket',
          's',
          'From the join to a worker, and to the row. Exemplars lead to a trace.',
          [p('0.5', 'sluice_queue_wait_seconds'), 'to a worker p50'],
          [p('0.99', 'sluice_queue_wait_seconds'), 'to a worker p99'],
          [p('0.99', 'sluice_join_to_issued_seconds'), 'to the row p99'],
        ),
        graph(
          'Work of a batch',
          's',
          'The write to the ledger is a part of it.',
          [p('0.95', 'sluice_batch_seconds'), 'batch p95'],
          [p('0.95', 'sluice_insert_seconds'), 'write p95'],
        ),
        graph(
          'Way to Kafka',
          's',
          'With BROKER=kafka: from the join until Kafka has the ticket; and what other services wait for. 1 s and 60 s warn.',
          [p('0.99', 'sluice_relay_delay_seconds'), 'to Kafka p99'],
          ['max(sluice_outbox_oldest_seconds)', 'oldest of the outbox'],
        ),
        graph('Tickets of a batch', 'short', 'Full batches (500) mean that work piles up.', [
          p('0.5', 'sluice_batch_tickets'),
          'p50',
        ]),
      ],
    },
    {
      title: 'What failed',
      panels: [
        graph(
          'Retries by reason',
          'reqps',
          'Scheduled ones.',
          [`sum by (reason) (${rate('sluice_retries_total')})`, '{{reason}}'],
          ['max(sluice_retrying)', 'waiting now'],
        ),
        graph(
          'Dead letters by reason',
          'short',
          'Redrive or discard them.',
          ['max by (reason) (sluice_dead_letters_by_reason)', '{{reason}}'],
          ['sum by (reason) (increase(sluice_dead_lettered_total[5m]))', 'new in 5 min: {{reason}}'],
        ),
        graph(
          'The books',
          'short',
          'Above 0 an operator has to look: `npx sluice reconcile <campaign>`.',
          ['sum(sluice_accepted_not_issued)', 'accepted, not issued'],
          ['sum(sluice_ledger_mismatch)', 'differences'],
          ['sum(sluice_tickets_lost)', 'lost, not asked for'],
          ['max(sluice_campaigns_not_compared)', 'campaigns too large to be compared'],
        ),
        graph('Gates opened again', 'short', 'Rebuilt from the ledger, or found whole.', [
          'sum by (how) (increase(sluice_gate_recoveries_total[5m]))',
          '{{how}}',
        ]),
      ],
    },
  ],
};

const resources: Board = {
  id: 'sluice-resources',
  title: 'Sluice: resources',
  rows: [
    {
      title: 'Stores',
      panels: [
        graph('Connections in use', 'percentunit', 'Redis: 70 % warns, 90 % pages. Database: 80 % and 95 %.', [
          'max by (server) (sluice_server_connections / sluice_server_connections_max)',
          '{{server}}',
        ]),
        graph(
          'Pools of the ledger',
          'short',
          'In use, and callers that wait.',
          ['sum by (pool) (sluice_ledger_connections_in_use)', '{{pool}} in use'],
          ['sum by (pool) (sluice_ledger_connections_waiting)', '{{pool}} waiting'],
          ['sum by (pool) (sluice_ledger_connections_max)', '{{pool}} max'],
        ),
        graph(
          'Memory of Redis',
          'bytes',
          'At maxmemory joins are refused.',
          ['max(sluice_redis_memory_bytes)', 'used'],
          ['max(sluice_redis_memory_max_bytes) > 0', 'maxmemory'],
        ),
        graph(
          'Forks and saves of Redis',
          's',
          'During a fork Redis answers nothing.',
          ['max(sluice_redis_fork_seconds)', 'last fork'],
          ['min(sluice_redis_saved)', 'saved'],
        ),
        graph(
          'Breakers',
          'short',
          '1: only probes are sent.',
          ['max by (dependency, instance) (sluice_breaker_open)', '{{dependency}} {{instance}}'],
          ['sum by (dependency) (increase(sluice_breaker_openings_total[5m]))', '{{dependency}} openings in 5 min'],
        ),
        graph('Clock of Redis', 's', 'Above 0.5 s fronts refuse nothing from memory.', [
          'max(sluice_redis_clock_error_seconds)',
          'error at most',
        ]),
      ],
    },
    {
      title: 'Processes',
      panels: [
        graph(
          'Event loop',
          's',
          'From 0.5 s on a front refuses joins.',
          ['max by (job, instance) (nodejs_eventloop_delay_p99_seconds)', 'p99 {{job}} {{instance}}'],
          ['max by (instance) (sluice_event_loop_lag_seconds)', 'last look {{instance}}'],
        ),
        graph('Event loop busy', 'percentunit', 'Near 100 % a process has no reserve.', [
          'max by (job, instance) (nodejs_eventloop_utilization)',
          '{{job}} {{instance}}',
        ]),
        graph('CPU', 'percentunit', 'Cores of each process.', [
          `sum by (job, instance) (${rate('process_cpu_time_seconds_total')})`,
          '{{job}} {{instance}}',
        ]),
        graph('Garbage collection', 'percentunit', 'Share of time.', [
          `sum by (job, instance) (${rate('v8js_gc_duration_seconds_sum')})`,
          '{{job}} {{instance}}',
        ]),
        graph(
          'Memory',
          'bytes',
          'Resident, and the heap of V8.',
          ['max by (job, instance) (process_memory_usage_bytes)', 'resident {{job}} {{instance}}'],
          ['max by (job, instance) (v8js_memory_heap_used_bytes)', 'heap {{job}} {{instance}}'],
        ),
        graph(
          'Refused unseen',
          'reqps',
          'Joins that were shed, and connections that were closed or not read for a second.',
          [`sum by (reason) (${rate('sluice_joins_shed_total')})`, 'joins: {{reason}}'],
          [`sum by (listener) (${rate('sluice_connections_refused_total')})`, 'connections: {{listener}}'],
          [`sum by (listener) (${rate('sluice_connections_slowed_total')})`, 'not read: {{listener}}'],
        ),
      ],
    },
  ],
};

export const BOARDS: readonly Board[] = [sale, queue, resources];
