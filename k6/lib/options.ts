// A shape as k6 takes it: a scenario for each of its arrivals, a threshold for each of its bars.
import type { Options, Scenario } from 'k6/options';
import { secondsOf } from '../shapes/scaled.ts';
import type { Arrivals, Figure, Shape } from '../shapes/shape.ts';
import { judgedName } from './metrics.ts';

/** How long k6 waits for acts that are under way at the end of their scenario, and for the judge. */
const GRACE = '60s';
const JUDGE_TIMEOUT = '180s';

/** Where k6 has each figure: the metric, and the threshold of a bar. */
const THRESHOLDS: Record<Figure, (atMost: number) => [metric: string, threshold: string]> = {
  // A share and no count: 0 is the only bar that both can have.
  failed: (atMost) => ['http_req_failed', `rate<=${atMost}`],
  dropped: (atMost) => ['dropped_iterations', `count<=${atMost}`],
  lost: (atMost) => [judgedName('lost'), `value<=${atMost}`],
  overIssued: (atMost) => [judgedName('overIssued'), `value<=${atMost}`],
  deadLetters: (atMost) => [judgedName('deadLetters'), `value<=${atMost}`],
  unsold: (atMost) => [judgedName('unsold'), `value<=${atMost}`],
  issuedAfterMs: (atMost) => [judgedName('issuedAfterMs'), `value<=${atMost}`],
  joinP95Ms: (atMost) => ['http_req_duration{name:join}', `p(95)<=${atMost}`],
  joinP99Ms: (atMost) => ['http_req_duration{name:join}', `p(99)<=${atMost}`],
  pollP95Ms: (atMost) => ['http_req_duration{name:poll}', `p(95)<=${atMost}`],
  heardP99Ms: (atMost) => ['sluice_join_to_issued', `p(99)<=${atMost}`],
};

export function optionsOf(shape: Shape): Options {
  const scenarios: Record<string, Scenario> = {};
  for (const arrivals of shape.arrivals) scenarios[arrivals.act] = scenarioOf(arrivals);
  if (shape.operator.length > 0) scenarios.operator = operatorOf(shape);
  return {
    scenarios,
    thresholds: thresholdsOf(shape),
    summaryTrendStats: ['avg', 'min', 'max', 'p(50)', 'p(95)', 'p(99)'],
    setupTimeout: '120s',
    teardownTimeout: JUDGE_TIMEOUT,
  };
}

function scenarioOf({ act, fromPerSecond, stages, inFlightMax }: Arrivals): Scenario {
  return {
    executor: 'ramping-arrival-rate',
    exec: act,
    // k6 takes whole numbers: at a small scale a rate is one of ten seconds.
    timeUnit: '10s',
    startRate: Math.round(fromPerSecond * 10),
    stages: stages.map(({ toPerSecond, seconds }) => ({
      target: Math.round(toPerSecond * 10),
      duration: `${Math.round(seconds * 1_000)}ms`,
    })),
    // All of them beforehand: making one in the middle of the peak costs buyers.
    preAllocatedVUs: inFlightMax,
    maxVUs: inFlightMax,
    gracefulStop: GRACE,
  };
}

function operatorOf({ arrivals }: Shape): Scenario {
  const seconds = Math.max(...arrivals.map(({ stages }) => secondsOf(stages)));
  return {
    executor: 'per-vu-iterations',
    exec: 'operate',
    vus: 1,
    iterations: 1,
    maxDuration: `${Math.ceil(seconds) + 60}s`,
  };
}

/** The shape's bars; checks are what an answer with a declared status may still get wrong. */
function thresholdsOf({ bars }: Shape): Record<string, string[]> {
  const thresholds: Record<string, string[]> = { checks: ['rate>=1'] };
  for (const [figure, atMost] of Object.entries(bars) as [Figure, number][]) {
    const [metric, threshold] = THRESHOLDS[figure](atMost);
    thresholds[metric] = [...(thresholds[metric] ?? []), threshold];
  }
  return thresholds;
}
