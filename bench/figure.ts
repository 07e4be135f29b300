// A figure of design §8: what is compared, the bar, and how a ratio is told from the samples of its contenders.
import type { Stand } from './stand.ts';

export interface Settings {
  quick: boolean;
  rounds: number;
  /** Length of one measurement under load. */
  seconds: number;
  warmSeconds: number;
  connections: number;
}

export interface Context extends Settings {
  stand: Stand;
  /** One line for whoever watches. */
  tell(line: string): void;
}

/** What one contender showed in one round, by metric; the unit is last in the metric's name. */
export type Sample = Record<string, number>;

/** `contender.metric` */
type Metric = `${string}.${string}`;

interface Ratio {
  text: string;
  /** Absent for what is told for comparison. */
  bar?: { atLeast: number } | { atMost: number };
  over: Metric;
  /**
   * Absent when the figure is a quantity and no ratio. Of the same contender: both were measured one after the other in
   * each round, and the median of the rounds' own ratios is taken, so that a machine that slows down in between counts less.
   */
  under?: Metric;
}

export interface Outcome {
  /** Every round of every contender, in order. */
  rounds: Record<string, Sample[]>;
  /** Why a contender has no rounds. */
  missing: Record<string, string>;
  /** What a reader must know to judge the numbers. */
  notes: string[];
}

export interface Figure {
  name: string;
  ratios: readonly Ratio[];
  measure(context: Context): Promise<Outcome>;
}

export interface Row {
  figure: string;
  text: string;
  bar: string;
  verdict: 'met' | 'missed' | 'no bar' | 'not run';
  value?: number;
  /** Smallest and largest of the rounds, each round's own ratio. */
  spread?: [number, number];
  over?: number;
  under?: number;
  reason?: string;
}

export interface FigureResult extends Outcome {
  name: string;
  rows: Row[];
}

/** Measures a figure; whatever goes wrong becomes the reason why its rows were not run. */
export async function measureFigure(figure: Figure, context: Context): Promise<FigureResult> {
  let outcome: Outcome;
  try {
    outcome = await figure.measure(context);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const names = figure.ratios.flatMap(({ over, under }) => (under === undefined ? [over] : [over, under]));
    outcome = { rounds: {}, missing: Object.fromEntries(names.map((name) => [contenderOf(name), reason])), notes: [] };
  }
  return { name: figure.name, rows: figure.ratios.map((ratio) => rowOf(figure.name, ratio, outcome)), ...outcome };
}

function rowOf(figure: string, { text, bar, over, under }: Ratio, outcome: Outcome): Row {
  const row = { figure, text, bar: barText(bar) };
  const overRounds = seriesOf(outcome, over);
  const underRounds = under === undefined ? undefined : seriesOf(outcome, under);
  const absent = [over, under].filter((name) => name !== undefined && seriesOf(outcome, name).length === 0);
  if (absent.length > 0) {
    const reasons = absent.map((name) => outcome.missing[contenderOf(name!)] ?? `${name} was not measured`);
    return { ...row, verdict: 'not run', reason: [...new Set(reasons)].join('; ') };
  }
  const overMedian = median(overRounds);
  const underMedian = underRounds && median(underRounds);
  const each = overRounds.map((sample, i) => (underRounds ? sample / underRounds[i % underRounds.length]! : sample));
  const isPaired = under !== undefined && contenderOf(over) === contenderOf(under);
  const value = underMedian === undefined || isPaired ? median(each) : overMedian / underMedian;
  return {
    ...row,
    verdict: verdictOf(value, bar),
    value,
    spread: [Math.min(...each), Math.max(...each)],
    over: overMedian,
    ...(underMedian === undefined ? {} : { under: underMedian }),
  };
}

function barText(bar: Ratio['bar']): string {
  if (bar === undefined) return '–';
  return 'atLeast' in bar ? `≥ ${bar.atLeast}` : `≤ ${bar.atMost}`;
}

function verdictOf(value: number, bar: Ratio['bar']): 'met' | 'missed' | 'no bar' {
  if (bar === undefined) return 'no bar';
  const isMet = 'atLeast' in bar ? value >= bar.atLeast : value <= bar.atMost;
  return isMet ? 'met' : 'missed';
}

const contenderOf = (name: Metric): string => name.slice(0, name.indexOf('.'));

function seriesOf({ rounds }: Outcome, name: Metric): number[] {
  const metric = name.slice(name.indexOf('.') + 1);
  const values = (rounds[contenderOf(name)] ?? []).map((sample) => sample[metric] ?? Number.NaN);
  return values.every(Number.isFinite) ? values : [];
}

/** The middle value; the mean of the two middle ones for an even count. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
