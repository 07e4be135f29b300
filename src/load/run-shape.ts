// One shape from the trial of the generators to the judged report.
import { availableParallelism } from 'node:os';
import { secondsOf as durationOf, onBusyMachine, type Size, scaled } from '../../k6/shapes/scaled.ts';
import type { Shape } from '../../k6/shapes/shape.ts';
import { CannotRun, NotAllowed } from '../rehearsal/cannot-run.ts';
import { bareIdentity, gatewayIdentity } from '../rehearsal/identity.ts';
import { type LoadCampaign, openCampaign, type Service } from './campaign.ts';
import { callRows, figuresOf, judge, type Measured, secondsOf, timesOf } from './figures.ts';
import { type Generators, startGenerators } from './generators.ts';
import { machineOf } from './machine.ts';
import type { ShapeReport } from './report.ts';
import { mergeSamples } from './samples.ts';
import type { Shots } from './shooting.ts';
import { isLate, neededPerSecond, tryRate } from './trial.ts';
import { watch } from './watching.ts';

export interface RunOptions {
  service: Service;
  gatewaySecret?: string;
  size: Size;
  /** Generator processes; as many as the rate needs when absent. */
  processes?: number;
  /** Bars of time are not judged, nor whether the generators hold the rate; a 503 is no failed request. */
  countsOnly: boolean;
  say: (line: string) => void;
  stopping: AbortSignal;
}

/** How long a buyer stays, and how long after the last one the tickets may take. */
const PATIENCE_MS = 60_000;
/** From the message to the generators until the first arrival. */
const LEAD_MS = 300;
/** What one generator process sends a second beside the service on the same cores. */
const PER_PROCESS_SECOND = 1_500;

/** Runs the shape at its size. Throws {@link CannotRun}, also when it is interrupted. */
export async function runShape(full: Shape, options: RunOptions): Promise<ShapeReport> {
  const { service, say, stopping, countsOnly } = options;
  const sized = scaled(full, options.size);
  const shape = countsOnly ? onBusyMachine(sized) : sized;
  const processes = options.processes ?? processesFor(shape);
  await using generators = startGenerators(processes, stopping);
  const trial = await tryRate(generators, shape);
  const rate = `${Math.round(trial.neededPerSecond)} requests/s`;
  const held = `${Math.round(trial.heldPerSecond)} requests/s with p99 ${Math.round(trial.p99Ms)} ms`;
  if (!trial.isHeld && !countsOnly) {
    throw new CannotRun(
      `this machine does not hold ${shape.name}: it needs ${rate}, and ${processes} generator process(es) reached ${held} with a server that answers at once. Run it with a smaller SCALE`,
    );
  }
  say(`${shape.name}: ${shape.asks}`);
  say(`  ${processes} generator process(es), ${rate} at the peak; tried: ${held}`);
  const campaign = await openCampaign(service, shape);
  const interrupt = () => campaign.stop();
  stopping.addEventListener('abort', interrupt);
  try {
    const measured = await load(shape, campaign, generators, options);
    return reportOf(full, measured, options, { processes, ...trial });
  } finally {
    stopping.removeEventListener('abort', interrupt);
    if (!(await campaign.close()))
      say(`campaign ${campaign.id} could not be closed; close it with sluice campaign close ${campaign.id}`);
  }
}

/** As few as hold the rate: each takes time from the service that it measures. */
const processesFor = (shape: Shape): number =>
  Math.max(1, Math.min(availableParallelism(), Math.ceil(neededPerSecond(shape) / PER_PROCESS_SECOND)));

async function load(
  shape: Shape,
  campaign: LoadCampaign,
  generators: Generators,
  { service, gatewaySecret }: RunOptions,
): Promise<Measured> {
  const seed = campaign.id;
  const identity = gatewaySecret === undefined ? bareIdentity : gatewayIdentity(gatewaySecret);
  const joinedBefore = await campaign.joinBefore(shape.joinedBefore, seed, identity);
  const startAt = Date.now() + LEAD_MS;
  const job = { url: service.url, shape, campaign: campaign.id, seed, joinedBefore, startAt, patienceMs: PATIENCE_MS };
  const secret = gatewaySecret === undefined ? {} : { gatewaySecret };
  const seconds = Math.max(...shape.arrivals.map(({ stages }) => durationOf(stages)));
  const shooting = generators.work<'shoot'>((part) => ({
    do: 'shoot',
    ...job,
    ...secret,
    part,
    parts: generators.count,
  }));
  const [done, readings] = await Promise.all([
    shooting,
    watch(campaign, { endAt: startAt + seconds * 1_000, patienceMs: 2 * PATIENCE_MS, loaded: shooting }),
    campaign.operate(shape.operator, startAt),
  ]);
  const shots = togetherOf(done.map((one) => one.shots));
  if (shots.notAllowed !== undefined) throw new NotAllowed(`the service refused a buyer (${shots.notAllowed})`);
  return { shape, shots, readings, joinedBeforeCount: joinedBefore.length, startAt };
}

function togetherOf(all: readonly Shots[]): Shots {
  const sum = (of: (shots: Shots) => number) => all.reduce((total, shots) => total + of(shots), 0);
  const wrong: Record<string, number> = {};
  for (const [what, count] of all.flatMap((shots) => Object.entries(shots.wrong)))
    wrong[what] = (wrong[what] ?? 0) + count;
  return {
    samples: mergeSamples(all.map(({ samples }) => samples)),
    heardMs: all.flatMap(({ heardMs }) => heardMs),
    lateMs: all.flatMap(({ lateMs }) => lateMs),
    droppedCount: sum(({ droppedCount }) => droppedCount),
    acceptedCount: sum(({ acceptedCount }) => acceptedCount),
    givenBackCount: sum(({ givenBackCount }) => givenBackCount),
    lastAcceptedMs: Math.max(...all.map(({ lastAcceptedMs }) => lastAcceptedMs)),
    wrong,
    notAllowed: all.find(({ notAllowed }) => notAllowed !== undefined)?.notAllowed,
  };
}

function reportOf(
  full: Shape,
  measured: Measured,
  { size, countsOnly }: RunOptions,
  generator: { processes: number; neededPerSecond: number; heldPerSecond: number },
): ShapeReport {
  const { shape, shots, readings } = measured;
  const bars = judge(shape, figuresOf(measured), countsOnly);
  const { p99Ms, maxMs } = timesOf(shots.lateMs);
  const { admitted, issued } = readings.at(-1)!;
  const wasLate = !countsOnly && isLate(p99Ms);
  return {
    shape: full.name,
    asks: full.asks,
    ...(full.reports === undefined ? {} : { reports: full.reports }),
    date: new Date(measured.startAt).toISOString(),
    ...size,
    countsOnly,
    machine: machineOf(),
    generator: {
      processes: generator.processes,
      neededPerSecond: Math.round(generator.neededPerSecond),
      triedPerSecond: Math.round(generator.heldPerSecond),
      arrivals: shots.lateMs.length,
      lateP99Ms: p99Ms,
      lateMaxMs: maxMs,
      isLate: wasLate,
    },
    calls: callRows(measured),
    tickets: {
      accepted: shots.acceptedCount + measured.joinedBeforeCount,
      admitted,
      issued,
      givenBack: shots.givenBackCount,
    },
    heard: { count: shots.heardMs.length, ...timesOf(shots.heardMs) },
    wrong: shots.wrong,
    bars,
    passed: !wasLate && bars.every(({ held }) => held !== false),
    seconds: secondsOf(measured),
  };
}
