// The numbers of requests and connections, of every listener.
import {
  SERVER_ERROR_KINDS,
  SERVER_ERROR_TYPES,
  type ServerErrorKind,
  type ServerErrorType,
} from '../domain/server-error.ts';
import { createHistogram, type Observe } from './histograms.ts';
import { labelledCounter } from './instruments.ts';

/** Answers with a 5xx by kind, over all listeners of the process. */
export const serverErrorCounts = (): Record<ServerErrorKind, number> =>
  labelledCounter('sluice_http_errors', 'Answers with a 5xx status', 'kind', SERVER_ERROR_KINDS);

/** An answer to a request; each text is one of few. */
export interface Answered {
  method: string;
  /** The template of its path. */
  route: string;
  status: number;
  /** `refused` is a no that a sale means to say, whatever its status; `invalid` is a mistake of the client. */
  outcome: 'ok' | 'refused' | 'invalid' | 'fault';
  /** Of a 5xx. */
  problem: ServerErrorType | undefined;
}

/** The buckets of the semantic conventions, and those of the objectives: 0.3 s and 0.8 s. A long-poll takes up to 30 s. */
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1, 2.5, 5, 10, 30];

/** Requests by route and outcome, of all listeners: one call for each process. What it returns takes an answer and the seconds until it was there. */
export function requestMetrics(): (answered: Answered, seconds: number) => void {
  const durations = createHistogram({
    name: 'http_server_request_duration_seconds',
    description: 'Time from receiving a request to its answer; of an event stream to its beginning',
    unit: 's',
    boundaries: REQUEST_SECONDS,
  });
  const problems = labelledCounter(
    'sluice_http_problems',
    'Answers with a 5xx status by the type of their RFC 9457 problem',
    'type',
    SERVER_ERROR_TYPES,
  );
  const series: Series[] = [];
  return (answered, seconds) => {
    const { problem } = answered;
    if (problem !== undefined) problems[problem] += 1;
    let found = series.find((one) => isOf(one, answered));
    if (found === undefined) {
      const { method, route, status, outcome } = answered;
      const code = String(status);
      const labels = { http_request_method: method, http_route: route, http_response_status_code: code, outcome };
      found = { method, route, status, outcome, observe: durations(labels) };
      series.push(found);
    }
    found.observe(seconds);
  };
}

/** A text of its labels for each answer would cost more than looking through the few that there are. */
type Series = Omit<Answered, 'problem'> & { observe: Observe };

const isOf = (one: Series, { method, route, status, outcome }: Answered): boolean =>
  one.status === status && one.route === route && one.method === method && one.outcome === outcome;

/** Wrong tokens that the admin listener refused. */
export const adminRefusalCount = (): Record<'wrong', number> =>
  labelledCounter('sluice_admin_refusals', 'Requests that the admin API rejected for a wrong token', 'token', [
    'wrong',
  ]);

export type BoundedListener = 'public' | 'admin';

/** New connections that a listener closed, because their address had as many as it may have. */
export const refusedConnectionCount = (): Record<BoundedListener, number> =>
  labelledCounter(
    'sluice_connections_refused',
    'New connections that were closed because their address had as many as it may have',
    'listener',
    ['public', 'admin'],
  );

/** Times that a listener did not read a connection for a while, because its address was refused too often. */
export const slowedConnectionCount = (): Record<BoundedListener, number> =>
  labelledCounter(
    'sluice_connections_slowed',
    'Times that a connection was not read for a while because its address was refused too often',
    'listener',
    ['public', 'admin'],
  );
