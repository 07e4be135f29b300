import { expect, test } from 'vitest';
import { createHistogram, exemplarTexts, histogramProducer } from '../../src/telemetry/histograms.ts';
import { toOpenMetrics } from '../../src/telemetry/scrape.ts';

const SPEC = { name: 'test_seconds', description: 'A time', unit: 's', boundaries: [0.1, 1] };
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`;

test('a value is counted in the first bucket whose end it does not exceed, and above the last one', async () => {
  const observe = createHistogram(SPEC)();
  for (const value of [0.05, 0.1, 0.5, 7]) observe(value);
  const { resourceMetrics } = await histogramProducer.collect();
  const ours = resourceMetrics.scopeMetrics[0]!.metrics.find(({ descriptor }) => descriptor.name === SPEC.name)!;
  expect(ours.dataPoints[0]!.value).toEqual({
    buckets: { boundaries: [0.1, 1], counts: [2, 1, 1] },
    count: 4,
    sum: 7.65,
  });
});

test('the newest traced value of a bucket is its exemplar in OpenMetrics, and nowhere else', () => {
  const observe = createHistogram(SPEC)();
  observe(0.02, TRACEPARENT);
  observe(0.05, TRACEPARENT);
  observe(0.5);
  const text = [
    '# HELP test_seconds A time',
    '# UNIT test_seconds s',
    '# TYPE test_seconds histogram',
    'test_seconds_count 3',
    'test_seconds_sum 0.57',
    'test_seconds_bucket{le="0.1"} 2',
    'test_seconds_bucket{le="1"} 3',
    '',
    '# HELP test_total A count',
    '# TYPE test_total counter',
    'test_total 3',
    '',
  ].join('\n');
  const open = toOpenMetrics(text, exemplarTexts());
  expect(open).toMatch(
    new RegExp(`^test_seconds_bucket\\{le="0\\.1"\\} 2 # \\{trace_id="${TRACE}"\\} 0\\.05 \\d+(\\.\\d+)?$`, 'm'),
  );
  expect(open).toMatch(/^test_seconds_bucket\{le="1"\} 3$/m);
  expect(open).toMatch(/^# TYPE test counter\ntest_total 3\n# EOF\n$/m);
});
