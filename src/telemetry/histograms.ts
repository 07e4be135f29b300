// Histograms that cost a hot path a search among some boundaries and two additions. OpenTelemetry's own make a text of the
// labels for every value, and its exporter for Prometheus knows no exemplars; the SDK takes these as one more producer.
import { type HrTime, ValueType } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type HistogramMetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { Labels } from './instruments.ts';

/** Takes a value in the unit of its histogram; `traceparent` (W3C, '' for none) makes it the exemplar of its bucket. */
export type Observe = (value: number, traceparent?: string) => void;

export interface HistogramSpec {
  name: string;
  description: string;
  /** As UCUM writes it: `s`, `{ticket}`. */
  unit: string;
  /** Upper ends of the buckets, rising; a further bucket takes what is above the last. */
  boundaries: readonly number[];
}

/** The newest sampled value of a bucket. */
interface Exemplar {
  traceId: string;
  value: number;
  atSeconds: number;
}

interface Series {
  labels: Labels;
  counts: number[];
  count: number;
  sum: number;
  exemplars: (Exemplar | undefined)[];
}

interface Family extends HistogramSpec {
  series: Series[];
}

/** By name: the histograms of this process, as its meters are. */
const families = new Map<string, Family>();
const startTime = toHrTime(Date.now());

/**
 * Makes a histogram; call what it returns once for each set of labels, and keep what that returns. Only a histogram
 * without labels has exemplars. One of the same name made again takes the place of the first.
 */
export function createHistogram(spec: HistogramSpec): (labels?: Labels) => Observe {
  const family: Family = { ...spec, series: [] };
  const { boundaries } = spec;
  families.set(spec.name, family);
  return (labels = {}) => {
    const series: Series = {
      labels,
      counts: new Array<number>(boundaries.length + 1).fill(0),
      count: 0,
      sum: 0,
      exemplars: [],
    };
    family.series.push(series);
    return (value, traceparent = '') => {
      let bucket = 0;
      while (bucket < boundaries.length && value > boundaries[bucket]!) bucket += 1;
      series.counts[bucket]! += 1;
      series.count += 1;
      series.sum += value;
      if (traceparent !== '') {
        series.exemplars[bucket] = { traceId: traceparent.slice(3, 35), value, atSeconds: Date.now() / 1_000 };
      }
    };
  };
}

/** Gives the SDK all histograms of this process at each scrape. */
export const histogramProducer: MetricProducer = {
  async collect() {
    const metrics = [...families.values()].map(metricOf);
    return {
      resourceMetrics: { resource: resourceFromAttributes({}), scopeMetrics: [{ scope: { name: 'sluice' }, metrics }] },
      errors: [],
    };
  },
};

function metricOf({ name, description, unit, boundaries, series }: Family): HistogramMetricData {
  const endTime = toHrTime(Date.now());
  return {
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: series.map(({ labels, counts, count, sum }) => ({
      startTime,
      endTime,
      attributes: labels,
      value: { buckets: { boundaries: [...boundaries], counts: [...counts] }, count, sum },
    })),
  };
}

/** What OpenMetrics appends to a line of a bucket, by the beginning of that line. */
export function exemplarTexts(): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { name, boundaries, series } of families.values()) {
    for (const { labels, exemplars } of series) {
      if (Object.keys(labels).length > 0) continue;
      for (const [bucket, exemplar] of exemplars.entries()) {
        if (exemplar === undefined) continue;
        const { traceId, value, atSeconds } = exemplar;
        texts.set(
          `${name}_bucket{le="${boundaries[bucket] ?? '+Inf'}"} `,
          ` # {trace_id="${traceId}"} ${value} ${atSeconds}`,
        );
      }
    }
  }
  return texts;
}

function toHrTime(ms: number): HrTime {
  return [Math.floor(ms / 1_000), (ms % 1_000) * 1_000_000];
}
