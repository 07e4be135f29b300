// The figures of a run, from what the generators saw and what the admin API said.
import { unitsOf } from '../../k6/shapes/scaled.ts';
import { type Call, FIGURES, type Figure, type Shape, TIMED } from '../../k6/shapes/shape.ts';
import { percentile } from '../rehearsal/percentiles.ts';
import type { CampaignReading } from './campaign.ts';
import type { Column } from './samples.ts';
import type { Shots } from './shooting.ts';

/** One call over the whole run. Times in ms; a join counts from the moment it was due. */
export interface CallRow {
  call: Call;
  count: number;
  failedCount: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
  statuses: Record<string, number>;
}

/** A bar and what was measured; `held` is undefined when it was not judged. */
export interface Bar {
  figure: Figure;
  meaning: string;
  atMost: number;
  value: number;
  held: boolean | undefined;
}

export interface Measured {
  shape: Shape;
  /** Of all generators together. */
  shots: Shots;
  /** The last one is of the end. */
  readings: readonly CampaignReading[];
  /** Buyers who joined before the load. */
  joinedBeforeCount: number;
  /** When the load began, ms since 1970. */
  startAt: number;
}

/** One row for each call that was made. */
export function callRows({ shape, shots }: Pick<Measured, 'shape' | 'shots'>): CallRow[] {
  return (Object.entries(shots.samples) as [Call, Column][]).map(([call, { tookMs, status }]) => {
    const statuses: Record<string, number> = {};
    for (const one of status) statuses[one] = (statuses[one] ?? 0) + 1;
    return { call, count: tookMs.length, failedCount: failedIn(shape, call, status), ...timesOf(tookMs), statuses };
  });
}

const failedIn = (shape: Shape, call: Call, statuses: readonly number[]): number =>
  statuses.filter((status) => !shape.answers[call].includes(status)).length;

/** Percentiles in ms, to 0.1; all of them 0 of none. */
export function timesOf(tookMs: readonly number[]): Record<'p50Ms' | 'p95Ms' | 'p99Ms' | 'maxMs', number> {
  const at = (share: number) => tenths(percentile(tookMs, share) ?? 0);
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}

/** Every figure that a bar may be for. */
export function figuresOf(measured: Measured): Record<Figure, number> {
  const { shape, shots, readings, joinedBeforeCount } = measured;
  const last = readings.at(-1)!;
  const rows = callRows(measured);
  const timeOf = (call: Call, time: 'p95Ms' | 'p99Ms') => rows.find((row) => row.call === call)?.[time] ?? 0;
  const wrongCount = Object.values(shots.wrong).reduce((sum, count) => sum + count, 0);
  const units = unitsOf(shape);
  return {
    failed: rows.reduce((sum, { failedCount }) => sum + failedCount, wrongCount),
    dropped: shots.droppedCount,
    lost: Math.max(0, shots.acceptedCount + joinedBeforeCount - last.issued - shots.givenBackCount),
    overIssued: Math.max(0, last.issued - units),
    deadLetters: last.deadLetters,
    unsold: Math.max(0, units - last.issued),
    issuedAfterMs: issuedAfterMs(measured),
    joinP95Ms: timeOf('join', 'p95Ms'),
    joinP99Ms: timeOf('join', 'p99Ms'),
    pollP95Ms: timeOf('poll', 'p95Ms'),
    heardP99Ms: timesOf(shots.heardMs).p99Ms,
  };
}

/** From the last accepted join until the admin API said that nothing waits; the longest time looked at when it never did. */
function issuedAfterMs({ shots, readings, startAt }: Measured): number {
  const acceptedAt = startAt + shots.lastAcceptedMs;
  const done = readings.find(({ at, backlog, retrying }) => at >= acceptedAt && backlog + retrying === 0);
  return Math.round(Math.max(0, (done ?? readings.at(-1)!).at - acceptedAt));
}

/** The shape's bars. With `countsOnly` those that a slow machine breaks are not judged. */
export function judge(shape: Shape, figures: Record<Figure, number>, countsOnly: boolean): Bar[] {
  return (Object.entries(shape.bars) as [Figure, number][]).map(([figure, atMost]) => {
    const value = figures[figure];
    const held = countsOnly && TIMED.includes(figure) ? undefined : value <= atMost;
    return { figure, meaning: FIGURES[figure], atMost, value, held };
  });
}

/** One point for each second of the run, for plots. */
export interface Second {
  second: number;
  /** Joins due in this second that were answered with a ticket, with another declared answer, with anything else. */
  accepted: number;
  refused: number;
  failed: number;
  joinP50Ms: number;
  joinP99Ms: number;
}

/** Joins by the second in which they were due. */
export function secondsOf({ shape, shots }: Pick<Measured, 'shape' | 'shots'>): Second[] {
  const { atMs = [], tookMs = [], status = [] } = shots.samples.join ?? {};
  const rows = atMs.map((at, row) => ({ second: Math.floor(at / 1_000), tookMs: tookMs[row]!, status: status[row]! }));
  const bySecond = Map.groupBy(rows, ({ second }) => second);
  return [...bySecond]
    .toSorted(([a], [b]) => a - b)
    .map(([second, joins]) => {
      const count = (is: (status: number) => boolean) => joins.filter((one) => is(one.status)).length;
      const times = timesOf(joins.map((one) => one.tookMs));
      const isAccepted = (one: number) => one === 200 || one === 202;
      const isDeclared = (one: number) => shape.answers.join.includes(one);
      return {
        second,
        accepted: count(isAccepted),
        refused: count((one) => !isAccepted(one) && isDeclared(one)),
        failed: count((one) => !isDeclared(one)),
        joinP50Ms: times.p50Ms,
        joinP99Ms: times.p99Ms,
      };
    });
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
