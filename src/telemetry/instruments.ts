// What all numbers are made of. Hot paths count in plain integers; a scrape reads them.
import { metrics } from '@opentelemetry/api';

/** Values of labels: bounded in number, and never a user, a ticket or free text. */
export type Labels = Readonly<Record<string, string>>;

/** Asked for when an instrument is made: a meter taken before the SDK started would count nothing, for ever. */
const meter = () => metrics.getMeter('sluice');

/** A counter with one label whose values are known beforehand: an increment is an addition, nothing else. */
export function labelledCounter<V extends string>(
  name: string,
  description: string,
  label: string,
  values: readonly V[],
): Record<V, number> {
  const counts = Object.fromEntries(values.map((value) => [value, 0])) as Record<V, number>;
  counter(name, description, () => values.map((value) => [counts[value], { [label]: value }]));
  return counts;
}

/** A counter whose values are read when a scrape comes; none may ever fall while its labels are told. */
export function counter(name: string, description: string, read: () => readonly (readonly [number, Labels])[]): void {
  meter()
    .createObservableCounter(name, { description })
    .addCallback((result) => {
      for (const [value, labels] of read()) result.observe(value, labels);
    });
}

/** A value that is read when a scrape comes; not told while it is unknown. */
export function gauge(name: string, description: string, read: () => number | undefined, labels?: Labels): void {
  gauges(name, description, () => {
    const value = read();
    return value === undefined ? [] : [[value, labels ?? {}]];
  });
}

/** The same for several values that differ by their labels. */
export function gauges(name: string, description: string, read: () => readonly (readonly [number, Labels])[]): void {
  meter()
    .createObservableGauge(name, { description })
    .addCallback((result) => {
      for (const [value, labels] of read()) result.observe(value, labels);
    });
}

/** Values by text: the `most` with the highest ones by their name, and always the sum of all others as `other`. */
export function highest(values: Iterable<readonly [string, number]>, most: number): (readonly [string, number])[] {
  const all = [...values].toSorted((one, other) => other[1] - one[1]);
  const rest = all.slice(most).reduce((sum, [, value]) => sum + value, 0);
  return [...all.slice(0, most), ['other', rest]];
}
