// The worker processes of a front: as many as WORKERS says, or as many as what waits calls for.
import { Fault } from '../domain/fault.ts';
import { type ScaleReadings, startAutoscaler } from './autoscaler.ts';
import { type CrewPlan, createWorkerCrew, type WorkerCrew } from './worker-crew.ts';

export interface OwnWorkers extends AsyncDisposable {
  /** Numbers of the workers that have ended and are not up again; the first is 1. */
  down(): number[];
}

/**
 * Resolves when all workers have finished their start, with WORKERS=auto the first of them. Rejects with a `conflict` Fault
 * when one of them ends before, and stops the others: what it needs and does not get, it will not get the next time.
 */
export async function startOwnWorkers(plan: CrewPlan, readings: ScaleReadings): Promise<OwnWorkers> {
  const { count, scale } = plan.config.workers;
  const crew = createWorkerCrew(plan);
  try {
    if (scale !== undefined) return await startAutoscaler(crew, scale, { ...readings, report: plan.report });
    await crew.resize(count);
    return crew;
  } catch (error) {
    throw await stopped(crew, error);
  }
}

async function stopped(crew: WorkerCrew, error: unknown): Promise<Fault> {
  await crew[Symbol.asyncDispose]();
  const why = error instanceof Error ? error.message : String(error);
  return new Fault('conflict', `${why}: fix what it printed above, or set WORKERS=0 to start a front without a worker`);
}
