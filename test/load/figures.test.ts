// The judge of a load: what the generators saw becomes figures, and figures meet the shape's bars.
import { expect, test } from 'vitest';
import { shapeOf } from '../../k6/shapes/shapes.ts';
import { callRows, figuresOf, judge, type Measured, secondsOf } from '../../src/load/figures.ts';
import { htmlOf } from '../../src/load/html.ts';
import { markdownOf, type ShapeReport } from '../../src/load/report.ts';
import { exitOf } from '../../src/load/run-load.ts';
import type { Samples } from '../../src/load/samples.ts';
import { summaryOf } from '../../src/load/summary.ts';

const STANDING = { at: 2_000, admitted: 4, issued: 4, backlog: 0, retrying: 0, deadLetters: 0 };

/** A run of `peak` in which four of five joins were answered with a ticket. */
function measured(changed: { samples?: Samples; issued?: number; dropped?: number } = {}): Measured {
  const join = { atMs: [0, 100, 200, 1_000, 1_100], tookMs: [10, 20, 30, 40, 900], status: [202, 202, 202, 202, 503] };
  return {
    shape: { ...shapeOf('peak')!, stock: 4 },
    shots: {
      samples: changed.samples ?? { join },
      droppedCount: changed.dropped ?? 0,
      lateMs: [0, 0, 1, 0, 0],
      acceptedCount: 4,
      lastAcceptedMs: 500,
      notAllowed: undefined,
      heardMs: [1_000, 1_100],
      givenBackCount: 0,
      wrong: {},
    },
    readings: [
      { ...STANDING, at: 1_200, issued: 3, backlog: 1 },
      { ...STANDING, issued: changed.issued ?? 4 },
    ],
    joinedBeforeCount: 0,
    startAt: 1_000,
  };
}

const brokenIn = (run: Measured, countsOnly = false) =>
  judge(run.shape, figuresOf(run), countsOnly)
    .filter(({ held }) => held === false)
    .map(({ figure }) => figure);

test('an answer that the shape does not declare is a failed request, and times are of all joins', () => {
  const run = measured();
  expect(callRows(run)).toEqual([
    {
      call: 'join',
      count: 5,
      failedCount: 1,
      p50Ms: 30,
      p95Ms: 900,
      p99Ms: 900,
      maxMs: 900,
      statuses: { 202: 4, 503: 1 },
    },
  ]);
  expect(figuresOf(run)).toMatchObject({ failed: 1, lost: 0, unsold: 0, issuedAfterMs: 500, heardP99Ms: 1_100 });
  expect(brokenIn(run)).toEqual(['failed', 'joinP95Ms', 'joinP99Ms']);
});

test('without a judge of time only the counts break', () => {
  expect(brokenIn(measured({ dropped: 3 }), true)).toEqual(['failed']);
  expect(brokenIn(measured({ dropped: 3 }))).toContain('dropped');
});

test('a ticket that was promised and not issued is lost, and a row too many is over-issued', () => {
  expect(figuresOf(measured({ issued: 3 }))).toMatchObject({ lost: 1, unsold: 1, overIssued: 0 });
  expect(figuresOf(measured({ issued: 5 }))).toMatchObject({ lost: 0, overIssued: 1 });
});

test('a load without joins has figures too', () => {
  expect(figuresOf(measured({ samples: {} }))).toMatchObject({ failed: 0, joinP95Ms: 0 });
});

test('the seconds of a plot count what each join of that second met', () => {
  expect(secondsOf(measured())).toEqual([
    { second: 0, accepted: 3, refused: 0, failed: 0, joinP50Ms: 20, joinP99Ms: 30 },
    { second: 1, accepted: 1, refused: 0, failed: 1, joinP50Ms: 40, joinP99Ms: 900 },
  ]);
});

test('the report names what was broken, as Markdown, as a page, and in the summary; the exit code follows', () => {
  const run = measured();
  const bars = judge(run.shape, figuresOf(run), false);
  const report: ShapeReport = {
    shape: 'peak',
    asks: 'Are <1,000> joins taken?',
    date: '2026-11-27T08:00:00.000Z',
    scale: 0.5,
    length: 1,
    countsOnly: false,
    machine: { cpu: 'a processor', cores: 2, memoryGiB: 4, system: 'Linux', node: 'v26' },
    generator: {
      processes: 1,
      neededPerSecond: 5,
      triedPerSecond: 5,
      arrivals: 5,
      lateP99Ms: 1,
      lateMaxMs: 1,
      isLate: false,
    },
    calls: callRows(run),
    tickets: { accepted: 4, admitted: 4, issued: 4, givenBack: 0 },
    heard: { count: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 },
    wrong: {},
    bars,
    passed: false,
    seconds: secondsOf(run),
  };
  const text = markdownOf(report);
  expect(text).toContain('## peak: failed');
  expect(text).toContain('SCALE=0.5 LENGTH=1');
  expect(text).toContain('| p95 of a join, ms | 300 | 900 | **broken** |');
  expect(text).toContain('202 × 4, 503 × 1');
  const page = htmlOf([report]);
  expect(page.match(/<svg /g)).toHaveLength(2);
  expect(page).toContain('Are &lt;1,000&gt; joins taken?');
  expect(summaryOf('weekly', [report])).toContain('- peak FAILED: 5 joins, p95 900 ms, 4 issued; ');
  expect([exitOf([report]), exitOf([{ ...report, passed: true }])]).toEqual([1, 0]);
});
