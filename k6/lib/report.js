// The end of a run: the figures that matter, and all of them as JSON where a file is named.
import { settings } from './settings.js';

const FIGURES = [
  ['joins', 'http_req_duration{name:join}'],
  ['polls', 'http_req_duration{name:poll}'],
  ['join to issued', 'sluice_join_to_issued'],
];

export function report(data) {
  const { metrics } = data;
  const lines = ['', 'answer to a join'];
  for (const [name, metric] of Object.entries(metrics)) {
    const decision = /^sluice_decisions\{decision:(.+)\}$/.exec(name)?.[1];
    if (decision && metric.values.count > 0) lines.push(row(decision, `${metric.values.count}`));
  }
  lines.push('', 'time, ms                     p50        p95        p99');
  for (const [label, name] of FIGURES) {
    const values = metrics[name]?.values ?? {};
    lines.push(row(label, ['p(50)', 'p(95)', 'p(99)'].map((part) => padded(values[part])).join(' ')));
  }
  const dropped = metrics.dropped_iterations?.values.count ?? 0;
  if (dropped > 0) lines.push('', `${dropped} buyers were never sent: this machine or MAX_VUS is too small for RATE.`);
  lines.push('', ...verdict(metrics), '');
  const files = settings.summaryFile ? { [settings.summaryFile]: JSON.stringify(data, null, 2) } : {};
  return { stdout: `${lines.join('\n')}\n`, ...files };
}

const DECISIONS = [
  'admitted',
  'known',
  'sold-out',
  'quota-exceeded',
  'temporary-reduced-capacity',
  'campaign-paused',
  'campaign-not-open',
  'campaign-ended',
  'unanswered',
];

/** k6 keeps a sub-metric only where a threshold names it: these always hold. */
export const shown = {
  ...Object.fromEntries(DECISIONS.map((decision) => [`sluice_decisions{decision:${decision}}`, ['count>=0']])),
  'http_req_duration{name:join}': ['max>=0'],
  'http_req_duration{name:poll}': ['max>=0'],
};

function verdict(metrics) {
  const broken = Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
    Object.entries(thresholds).flatMap(([rule, { ok }]) => (ok ? [] : [`  broken: ${name} ${rule}`])),
  );
  return broken.length === 0 ? ['every threshold held'] : ['thresholds', ...broken];
}

const row = (label, value) => `  ${label.padEnd(28)}${value}`;
const padded = (value) => (value === undefined ? '-' : value.toFixed(1)).padStart(10).slice(-10);
