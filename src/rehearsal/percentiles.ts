/** The nearest-rank percentile of `values` in any order, `share` in (0, 1]; undefined of none. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

/** Median and 99th percentile in the unit of `values`, to 0.1. */
export function p50AndP99(values: readonly number[]): { p50: number | undefined; p99: number | undefined } {
  return { p50: tenths(percentile(values, 0.5)), p99: tenths(percentile(values, 0.99)) };
}

const tenths = (value: number | undefined) => (value === undefined ? undefined : Math.round(value * 10) / 10);
