// Keeps as many workers as what waits calls for. It reads, decides and changes one after the other: a worker that is being
// stopped has its connections to the database until it is gone, and counts until then.
//
// A crash between any two steps leaves workers behind that end by themselves, since the process that started them is gone;
// the entries that they had received are claimed by others.
import type { ConnectionUse } from '../domain/connection-use.ts';
import type { Waiting } from '../domain/waiting.ts';
import {
  decideScale,
  type ScaleDecision,
  type ScaleReading,
  type ScaleRules,
  type ScaleState,
  workersWithin,
} from '../domain/worker-scale.ts';
import { backoffMs, pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import type { WorkerCrew } from './worker-crew.ts';

export interface ScaleReadings {
  /** Tickets of all campaigns. Throws a Fault. */
  readWaiting: () => Promise<Waiting>;
  /** Of the database; undefined where it does not say it. Throws a Fault. */
  readConnections: () => Promise<ConnectionUse | undefined>;
}

interface AutoscalerDeps extends ScaleReadings {
  /** Takes a line for each change, and for each reason not to change. */
  report: (line: string) => void;
}

export interface Autoscaler extends AsyncDisposable {
  down(): number[];
}

/** Resolves when the first workers issue; rejects when one of them cannot. Disposing of it stops all workers. */
export async function startAutoscaler(crew: WorkerCrew, rules: ScaleRules, deps: AutoscalerDeps): Promise<Autoscaler> {
  const use = await deps.readConnections();
  const within = use === undefined ? rules.min : workersWithin(use, 0, rules);
  if (within < rules.min) deps.report(`workers: ${connectionWords(use!, rules)}`);
  await crew.resize(Math.min(rules.min, Math.max(1, within)));
  const stopping = new AbortController();
  const scaling = keepScaling(crew, rules, deps, stopping.signal);
  return {
    down: () => crew.down(),
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await scaling;
      await crew[Symbol.asyncDispose]();
    },
  };
}

async function keepScaling(crew: WorkerCrew, rules: ScaleRules, deps: AutoscalerDeps, stopping: AbortSignal) {
  const now = () => performance.now();
  let state: ScaleState = { workers: crew.count(), changedAt: now(), calmFrom: undefined };
  let saidHeld = false;
  let failureCount = 0;
  let restUntil = 0;
  for (;;) {
    await pause(limits.scaleLookMs, stopping);
    if (stopping.aborted) return;
    const reading = await read(deps);
    const decision = decideScale(rules, { ...state, workers: crew.count() }, reading, now());
    const isMore = decision.workers > crew.count();
    state = decision;
    if (decision.reason === 'held' && !saidHeld) deps.report(`workers: ${heldWords(decision, reading, rules)}`);
    saidHeld = decision.reason === 'held';
    if (decision.workers === crew.count() || (isMore && now() < restUntil)) continue;
    deps.report(`workers: ${crew.count()} -> ${decision.workers} (${changeWords(decision, reading!, rules)})`);
    try {
      await crew.resize(decision.workers);
      failureCount = 0;
    } catch (error) {
      const waitMs = backoffMs(failureCount, limits.scaleRestMinMs, limits.scaleRestMaxMs);
      failureCount += 1;
      restUntil = now() + waitMs;
      const why = error instanceof Error ? error.message : String(error);
      deps.report(`workers: ${why}; no other worker is started for ${Math.round(waitMs / 1_000)} s`);
    }
  }
}

/** Undefined where one of both cannot be read: whoever reads them reports the outage. */
async function read({ readWaiting, readConnections }: ScaleReadings): Promise<ScaleReading | undefined> {
  const [waiting, connections] = await Promise.allSettled([readWaiting(), readConnections()]);
  if (waiting.status === 'rejected' || connections.status === 'rejected') return undefined;
  return { waiting: waiting.value, connections: connections.value };
}

function changeWords({ reason }: ScaleDecision, { waiting, connections }: ScaleReading, rules: ScaleRules): string {
  if (reason === 'connections') return connectionWords(connections!, rules);
  if (reason === 'calm') return `fewer were enough for ${rules.calmMs / 1_000} s; ${waitingWords(waiting)}`;
  if (reason === 'least') return `WORKERS_MIN=${rules.min}`;
  return waitingWords(waiting);
}

function heldWords({ workers }: ScaleDecision, reading: ScaleReading | undefined, rules: ScaleRules): string {
  if (reading?.connections === undefined)
    return `${workers} until Redis and the database can be read again: what waits, or how many connections are open, is unknown`;
  if (workers >= rules.max) return `${workers}, as many as WORKERS_MAX allows; ${waitingWords(reading.waiting)}`;
  const { connections, waiting } = reading;
  const isFull = workersWithin(connections, workers, rules) <= workers;
  return `${workers}${isFull ? `: ${connectionWords(connections, rules)}` : ''}; ${waitingWords(waiting)}`;
}

const waitingWords = ({ ticketCount, oldestWaitMs }: Waiting): string =>
  `${ticketCount} ticket(s) wait, the oldest for ${(oldestWaitMs / 1_000).toFixed(1)} s`;

const connectionWords = ({ open, max }: ConnectionUse, { connectionsEach, connectionsSpare }: ScaleRules): string =>
  `the database allows ${max} connections, ${open} are open, ${connectionsSpare} are left to others, and a worker takes ${connectionsEach}`;
