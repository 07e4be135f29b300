// What of a status needs a person, the most urgent first, each with what to do. Pure.
import type { Attention } from '../domain/campaign-attention.ts';
import type { ConnectionUse } from '../domain/connection-use.ts';
import type { ProcessStatus, ServiceStatus } from '../domain/service-status.ts';
import { limits } from '../process/limits.ts';

/** A slug for programs, and one sentence or two for people. */
export interface Need {
  what:
    | 'redis-unreachable'
    | 'database-unreachable'
    | 'kafka-lag-unknown'
    | 'no-worker-ready'
    | 'process-not-ready'
    | 'gates-closed'
    | 'tickets-wait'
    | 'dead-letters'
    | 'connections-nearly-used';
  text: string;
}

export function needsOf(status: ServiceStatus): Need[] {
  const { stores, kafka, fronts, workers, waiting, attention, deadLetters } = status;
  return [
    ...need(
      !stores.redis.reachable,
      'redis-unreachable',
      'Redis does not answer this front: joins are refused (503). Next: sluice doctor',
    ),
    ...need(
      !stores.database.reachable,
      'database-unreachable',
      'The database does not answer this front: tickets wait and are not issued. Next: sluice doctor',
    ),
    ...need(
      kafka?.problem != null,
      'kafka-lag-unknown',
      `Kafka does not tell this front how far workers are behind: ${kafka?.problem}. Joins continue; while no broker answers, tickets wait and are not issued. Next: sluice doctor`,
    ),
    ...need(workers !== null && readyOf(workers).length === 0, 'no-worker-ready', noWorkerText(workers ?? [])),
    ...[
      ...(fronts ?? []).map((one) => ['Front', one] as const),
      ...(workers ?? []).map((one) => ['Worker', one] as const),
    ]
      .filter(([, { reasons }]) => reasons.length > 0)
      .map(
        ([kind, { name, reasons }]): Need => ({
          what: 'process-not-ready',
          text: `${kind} ${name} is not ready: ${reasons.join(', ')}. Next: its log`,
        }),
      ),
    ...closedGates(attention ?? []),
    ...need(
      (waiting?.oldestWaitMs ?? 0) > limits.backlogStandsMs,
      'tickets-wait',
      `The oldest ticket has waited for ${seconds(waiting?.oldestWaitMs ?? 0)} s. Next: docs/runbook.md, issuing is far slower than selling`,
    ),
    ...need(
      (deadLetters ?? 0) > 0,
      'dead-letters',
      `${deadLetters} dead letter(s) wait for a decision. Next: sluice dead-letters list`,
    ),
    ...nearlyUsed('Redis', stores.redis.connections),
    ...nearlyUsed('The database', stores.database.connections),
  ];
}

const need = (isNeeded: boolean, what: Need['what'], text: string): Need[] => (isNeeded ? [{ what, text }] : []);

const readyOf = (processes: readonly ProcessStatus[]) => processes.filter(({ reasons }) => reasons.length === 0);

const noWorkerText = (workers: readonly ProcessStatus[]): string =>
  workers.length === 0
    ? 'No worker has reported in the last 10 s: tickets wait and are not issued. Next: start a worker'
    : 'No worker can issue: tickets wait. Next: sluice doctor';

function closedGates(attention: readonly { campaign: string; attention: Attention }[]): Need[] {
  const closed = attention.filter((one) => one.attention === 'gate-closed').map(({ campaign }) => campaign);
  const more = closed.length > limits.namedMax ? ` and ${closed.length - limits.namedMax} more` : '';
  const named = `${closed.slice(0, limits.namedMax).join(', ')}${more}`;
  const text = `Joins of ${named} are refused: the gate is closed. Next: sluice campaign list`;
  return need(closed.length > 0, 'gates-closed', text);
}

function nearlyUsed(server: string, use: ConnectionUse | null): Need[] {
  const isNear = use !== null && use.open > use.max * limits.connectionsNearlyUsedShare;
  const text = `${server} has ${use?.open} of ${use?.max} connections open. Next: docs/runbook.md, a worker cannot read work`;
  return need(isNear, 'connections-nearly-used', text);
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(0);
