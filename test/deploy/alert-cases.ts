// For each alert the series of a fault in which it fires, and of the same service without that fault, in which it does not.
// Values as promtool writes them, a sample every 5 s: `0+2x60` begins at 0 and grows by 2, sixty times.

export interface AlertCase {
  alert: string;
  /** When it has to fire; 2 minutes, the reports' goal, unless it is about hours. */
  at?: string;
  fault: Record<string, string>;
  healthy: Record<string, string>;
}

const JOIN = 'http_route="/v1/campaigns/{id}/tickets"';
const requests = (outcome: string) => `http_server_request_duration_seconds_count{${JOIN},outcome="${outcome}"}`;
const within = (le: string) => `http_server_request_duration_seconds_bucket{${JOIN},outcome="ok",le="${le}"}`;
const admitted = 'sluice_admissions_total{decision="admitted"}';
const settled = 'sluice_settled_total';
const always = (value: number | string) => `${value}x300`;
const rising = (by: number) => `0+${by}x300`;
const share = (name: string, used: number, max = 100) => ({
  [`sluice_server_connections{server="${name}"}`]: always(used),
  [`sluice_server_connections_max{server="${name}"}`]: always(max),
});
const joinsWithin = (le: string, share: number) => ({
  [`sluice_join_seconds_bucket{le="${le}"}`]: rising(share),
  'sluice_join_seconds_bucket{le="2.5"}': rising(100),
  'sluice_join_seconds_bucket{le="+Inf"}': rising(100),
});
const batchesWithin = (le: string, share: number) => ({
  [`sluice_batch_seconds_bucket{le="${le}"}`]: rising(share),
  'sluice_batch_seconds_bucket{le="5"}': rising(100),
  'sluice_batch_seconds_bucket{le="+Inf"}': rising(100),
});
const faults = (share: number) => ({ [requests('ok')]: rising(100 - share), [requests('fault')]: rising(share) });
const issued = (inTime: number) => ({
  'sluice_join_to_issued_seconds_bucket{le="30"}': rising(inTime),
  sluice_join_to_issued_seconds_count: rising(100),
  'sluice_dead_lettered_total{reason="rejected"}': rising(0),
});
const shard = (undelivered: number, pending: number) => ({
  'sluice_undelivered_tickets{shard="3"}': always(undelivered),
  'sluice_pending_tickets{shard="3"}': always(pending),
});

export const ALERT_CASES: readonly AlertCase[] = [
  {
    alert: 'SluiceProcessDown',
    fault: { 'up{job="sluice-worker"}': always(0) },
    healthy: { 'up{job="sluice-worker"}': always(1) },
  },
  {
    alert: 'SluiceNoFront',
    fault: { 'up{job="sluice-front"}': always(0) },
    healthy: { sluice_joins_waiting: always(0) },
  },
  { alert: 'SluiceNoWorker', fault: { sluice_workers_ready: always(0) }, healthy: { sluice_workers_ready: always(1) } },
  {
    alert: 'SluiceRelayLate',
    fault: {
      'sluice_relay_delay_seconds_bucket{le="1"}': rising(90),
      'sluice_relay_delay_seconds_bucket{le="2.5"}': rising(100),
      'sluice_relay_delay_seconds_bucket{le="+Inf"}': rising(100),
    },
    healthy: {
      'sluice_relay_delay_seconds_bucket{le="0.05"}': rising(100),
      'sluice_relay_delay_seconds_bucket{le="+Inf"}': rising(100),
    },
  },
  {
    alert: 'SluiceOutboxLate',
    fault: { sluice_outbox_oldest_seconds: always(61) },
    healthy: { sluice_outbox_oldest_seconds: always(59) },
  },
  { alert: 'SluiceConnectionsNearlyUsed', fault: share('redis', 71), healthy: share('redis', 69) },
  { alert: 'SluiceConnectionsNearlyUsed', fault: share('database', 81), healthy: share('database', 79) },
  { alert: 'SluiceConnectionsUsedUp', fault: share('redis', 91), healthy: share('redis', 89) },
  { alert: 'SluiceConnectionsUsedUp', fault: share('database', 96), healthy: share('database', 94) },
  {
    alert: 'SluiceNothingIsIssued',
    fault: { [admitted]: rising(10), [settled]: always(7) },
    healthy: { [admitted]: rising(10), [settled]: rising(1) },
  },
  {
    alert: 'SluiceIssuesTooSlowly',
    at: '22m',
    fault: { [admitted]: rising(100), [settled]: rising(10) },
    healthy: { [admitted]: rising(100), [settled]: rising(60) },
  },
  { alert: 'SluiceJoinsSlow', at: '5m', fault: joinsWithin('0.5', 98), healthy: joinsWithin('0.5', 100) },
  {
    alert: 'SluiceJoinsVerySlow',
    fault: joinsWithin('1', 98),
    healthy: joinsWithin('1', 100),
  },
  {
    alert: 'SluiceGateTooLate',
    fault: { 'sluice_admissions_total{decision="expired"}': rising(1) },
    healthy: { 'sluice_admissions_total{decision="expired"}': always(3) },
  },
  {
    alert: 'SluiceBreakerOpen',
    fault: { 'sluice_breaker_open{dependency="redis"}': always(1) },
    healthy: { 'sluice_breaker_open{dependency="redis"}': always(0) },
  },
  {
    alert: 'SluiceOwnErrors',
    fault: { 'sluice_http_errors_total{kind="defect"}': rising(1) },
    healthy: {
      'sluice_http_errors_total{kind="paused"}': rising(1),
      'sluice_http_errors_total{kind="defect"}': always(2),
    },
  },
  {
    alert: 'SluiceFrontSaturated',
    fault: { sluice_event_loop_lag_seconds: always(0.3) },
    healthy: { sluice_event_loop_lag_seconds: always(0.2) },
  },
  {
    alert: 'SluiceBacklogFull',
    at: '5m',
    fault: { [admitted]: rising(90), 'sluice_admissions_total{decision="backlogged"}': rising(10) },
    healthy: { [admitted]: rising(97), 'sluice_admissions_total{decision="backlogged"}': rising(3) },
  },
  { alert: 'SluiceBatchesSlow', at: '10m', fault: batchesWithin('2.5', 90), healthy: batchesWithin('2.5', 96) },
  {
    alert: 'SluiceStoresDiffer',
    fault: { sluice_ledger_mismatch: always(1) },
    healthy: { sluice_ledger_mismatch: always(0), sluice_tickets_lost: always(9) },
  },
  {
    alert: 'SluiceDeadLetters',
    fault: { sluice_dead_letters: always(1) },
    healthy: { sluice_dead_letters: always(0) },
  },
  {
    alert: 'SluiceDeadLettersMany',
    fault: { sluice_dead_letters: always(5) },
    healthy: { sluice_dead_letters: always(4) },
  },
  {
    alert: 'SluiceFaults',
    fault: faults(2),
    healthy: { [requests('ok')]: rising(10), [requests('refused')]: rising(990) },
  },
  { alert: 'SluiceFaultsMany', fault: faults(6), healthy: faults(4) },
  { alert: 'SluiceLagging', fault: shard(100, 500), healthy: shard(99, 500) },
  { alert: 'SluiceLaggingFar', fault: shard(300, 500), healthy: shard(299, 500) },
  {
    alert: 'SluiceTicketsWaitLong',
    fault: { sluice_oldest_wait_seconds: always(31) },
    healthy: { sluice_oldest_wait_seconds: always(29) },
  },
  {
    alert: 'SluiceTicketsWaitVeryLong',
    fault: { sluice_oldest_wait_seconds: rising(5) },
    healthy: { sluice_oldest_wait_seconds: always(89) },
  },
  { alert: 'SluiceShardWithoutWorker', fault: shard(1, 0), healthy: shard(1, 1) },
  { alert: 'SluiceShardWithoutWorker', fault: shard(9, 0), healthy: shard(0, 0) },
  {
    alert: 'SluiceAcceptedNotIssued',
    fault: { sluice_accepted_not_issued: always(1) },
    healthy: { sluice_accepted_not_issued: always(0) },
  },
  {
    alert: 'SluiceTicketsLost',
    fault: { sluice_tickets_lost: always(1) },
    healthy: { sluice_tickets_lost: always(0), sluice_accepted_not_issued: always(1) },
  },
  {
    alert: 'SluiceRedisMemoryHigh',
    fault: { sluice_redis_memory_bytes: always(71), sluice_redis_memory_max_bytes: always(100) },
    // 0 is no limit.
    healthy: { sluice_redis_memory_bytes: always(71), sluice_redis_memory_max_bytes: always(0) },
  },
  {
    alert: 'SluiceRedisNotSaved',
    fault: { sluice_redis_saved: always(0) },
    healthy: { sluice_redis_saved: always(1) },
  },
  { alert: 'SluiceErrorBudgetBurnsFast', fault: faults(100), healthy: faults(0.5) },
  {
    alert: 'SluiceErrorBudgetBurnsFast',
    fault: { [requests('ok')]: rising(100), [within('0.3')]: rising(20), [within('0.8')]: rising(100) },
    healthy: { [requests('ok')]: rising(100), [within('0.3')]: rising(75), [within('0.8')]: rising(100) },
  },
  {
    alert: 'SluiceErrorBudgetBurnsFast',
    fault: { [requests('ok')]: rising(100), [within('0.3')]: rising(80), [within('0.8')]: rising(80) },
    healthy: { [requests('ok')]: rising(100), [within('0.3')]: rising(90), [within('0.8')]: rising(95) },
  },
  { alert: 'SluiceErrorBudgetBurnsFast', fault: issued(90), healthy: issued(99.9) },
  { alert: 'SluiceErrorBudgetBurns', at: '20m', fault: faults(0.5), healthy: faults(0.05) },
];
