// The end of a run: verdict and figures as Markdown, and everything as JSON where a folder is given.
import { settings } from './settings.ts';

interface Metric {
  values: Record<string, number>;
  thresholds?: Record<string, { ok: boolean }>;
}

/** What k6 gives to handleSummary, as far as it is read here. */
export interface Summary {
  metrics: Record<string, Metric>;
}

const TIMES = ['p(50)', 'p(95)', 'p(99)', 'max'];

/** Texts by where they go: `stdout`, and files. */
export function report(data: Summary): Record<string, string> {
  const text = markdownOf(data);
  const { out, shape } = settings;
  if (out === undefined) return { stdout: text };
  return {
    stdout: text,
    [`${out}/${shape.name}.json`]: JSON.stringify(data, null, 1),
    [`${out}/${shape.name}.md`]: text,
  };
}

function markdownOf({ metrics }: Summary): string {
  const { shape, size } = settings;
  const bars = Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
    Object.entries(thresholds).map(([rule, { ok }]) => `| \`${name}\` | ${rule} | ${ok ? 'held' : '**broken**'} |`),
  );
  const isBroken = bars.some((row) => row.includes('broken'));
  const times = Object.entries(metrics)
    .filter(
      ([name, { values }]) => /^(http_req_duration|sluice_join_to_issued)/.test(name) && values['p(95)'] !== undefined,
    )
    .map(
      ([name, { values }]) => `| \`${name}\` | ${TIMES.map((part) => (values[part] ?? 0).toFixed(1)).join(' | ')} |`,
    );
  const dropped = metrics.dropped_iterations?.values.count ?? 0;
  return [
    `## ${shape.name}: ${isBroken ? 'failed' : 'passed'}`,
    '',
    shape.asks,
    '',
    `SCALE=${size.scale} LENGTH=${size.length}, sent by k6`,
    ...(dropped > 0
      ? ['', `${dropped} arrivals were not sent: this machine is too small for the shape, or the service is.`]
      : []),
    '',
    '| metric | bar | |',
    '| --- | --- | --- |',
    ...bars,
    '',
    '| time, ms | p50 | p95 | p99 | max |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...times,
    '',
  ].join('\n');
}
