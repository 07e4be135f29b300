// The summary that k6 would make of the samples: the values of each metric, and whether its thresholds held.
import type { Sample } from './state.ts';

interface Metric {
  values: Record<string, number>;
  thresholds: Record<string, { ok: boolean }>;
}

/** By name as the thresholds have it, `http_req_duration{name:join}` included. */
export function summaryOf(
  samples: Record<string, Sample[]>,
  thresholds: Record<string, string[]>,
): Record<string, Metric> {
  const metrics: Record<string, Metric> = {};
  for (const [name, rules] of Object.entries(thresholds)) {
    const values = valuesOf(samplesOf(samples, name));
    const judged = rules.map((rule): [string, { ok: boolean }] => [rule, { ok: holds(rule, values) }]);
    metrics[name] = { values, thresholds: Object.fromEntries(judged) };
  }
  return metrics;
}

function samplesOf(samples: Record<string, Sample[]>, name: string): number[] {
  const [, metric = name, tag, value] = /^(\w+)\{(\w+):([\w-]+)\}$/.exec(name) ?? [];
  const all = samples[metric] ?? [];
  return all.filter(({ tags }) => tag === undefined || tags[tag] === value).map((sample) => sample.value);
}

/** Of all kinds of metric at once: a rule names the value of its own kind. */
function valuesOf(values: readonly number[]): Record<string, number> {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  const sum = values.reduce((total, value) => total + value, 0);
  return {
    count: sum,
    rate: values.length === 0 ? 0 : sum / values.length,
    value: values.at(-1) ?? 0,
    'p(50)': at(0.5),
    'p(95)': at(0.95),
    'p(99)': at(0.99),
    max: at(1),
  };
}

function holds(rule: string, values: Record<string, number>): boolean {
  const [, name = '', comparison, bar] = /^([\w()]+)(<=|>=)(\d+(?:\.\d+)?)$/.exec(rule) ?? [];
  const value = values[name];
  if (value === undefined) throw new Error(`the threshold ${rule} is not one that k6 has`);
  return comparison === '<=' ? value <= Number(bar) : value >= Number(bar);
}
