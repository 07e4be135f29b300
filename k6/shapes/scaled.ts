// A shape made smaller or shorter, and how many arrivals it has by when.
import type { Arrivals, OperatorStep, Shape, Stage } from './shape.ts';

export interface Size {
  /** Of rates, stock, units and acts under way: 1 is the shape as it is written. */
  scale: number;
  /** Of every duration. */
  length: number;
}

/** The least acts under way that are left of a shape: at a small scale one slow answer must not drop arrivals. */
const IN_FLIGHT_MIN = 20;

/** The shape at another size. Bars stay as they are; counts are at least 1. */
export function scaled(shape: Shape, { scale, length }: Size): Shape {
  if (scale === 1 && length === 1) return shape;
  // A shorter crowd is a smaller one, too.
  const share = scale * length;
  return {
    ...shape,
    stock: atLeastOne(shape.stock * share),
    joinedBefore: shape.joinedBefore === 0 ? 0 : atLeastOne(shape.joinedBefore * share),
    arrivals: shape.arrivals.map((arrivals) => scaledArrivals(arrivals, { scale, length })),
    operator: shape.operator.map((step) => scaledStep(step, { share, length })),
  };
}

function scaledArrivals(arrivals: Arrivals, { scale, length }: Size): Arrivals {
  return {
    ...arrivals,
    fromPerSecond: arrivals.fromPerSecond * scale,
    stages: arrivals.stages.map(({ toPerSecond, seconds }) => ({
      toPerSecond: toPerSecond * scale,
      seconds: seconds * length,
    })),
    inFlightMax: Math.max(Math.min(arrivals.inFlightMax, IN_FLIGHT_MIN), Math.round(arrivals.inFlightMax * scale)),
  };
}

function scaledStep(step: OperatorStep, { share, length }: { share: number; length: number }): OperatorStep {
  const atSecond = step.atSecond * length;
  return step.do === 'add' ? { ...step, atSecond, units: atLeastOne(step.units * share) } : { ...step, atSecond };
}

const atLeastOne = (count: number): number => Math.max(1, Math.round(count));

/** The shape where 503 is no failed request: a busy machine sheds load, and says so. */
export const onBusyMachine = (shape: Shape): Shape => ({
  ...shape,
  answers: Object.fromEntries(
    Object.entries(shape.answers).map(([call, statuses]) => [call, [...statuses, 503]]),
  ) as unknown as Shape['answers'],
});

/** How long the arrivals come, s. */
export const secondsOf = (stages: readonly Stage[]): number => stages.reduce((sum, { seconds }) => sum + seconds, 0);

/** Highest rate, arrivals/s. */
export const peakOf = ({ fromPerSecond, stages }: Arrivals): number =>
  Math.max(fromPerSecond, ...stages.map(({ toPerSecond }) => toPerSecond));

/** Arrivals over all stages, a whole number. */
export function countOf({ fromPerSecond, stages }: Arrivals): number {
  let from = fromPerSecond;
  let count = 0;
  for (const { toPerSecond, seconds } of stages) {
    count += ((from + toPerSecond) / 2) * seconds;
    from = toPerSecond;
  }
  // 29,999.999 is 30,000.
  return Math.floor(count + 1e-6);
}

/** Units for sale once the operator has added all. */
export const unitsOf = ({ stock, operator }: Shape): number =>
  operator.reduce((sum, step) => sum + (step.do === 'add' ? step.units : 0), stock);
