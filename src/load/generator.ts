// The program of a generator process: `node src/load/generator.ts`, started by generators.ts, which sends it its jobs.
import { bareIdentity, gatewayIdentity } from '../rehearsal/identity.ts';
import { type Holding, type HoldingJob, hold } from './holding.ts';
import { type Shooting, type Shots, shoot } from './shooting.ts';

export type Job =
  | ({ do: 'hold' } & HoldingJob)
  | ({ do: 'shoot'; gatewaySecret?: string } & Omit<Shooting, 'identity'>);

export type Done = { do: 'hold'; holding: Holding } | { do: 'shoot'; shots: Shots };

process.on('message', (job: Job) => {
  void work(job).then((done) => process.send!(done));
});
// The parent is gone: nobody would read what is sent.
process.on('disconnect', () => process.exit(0));

async function work(job: Job): Promise<Done> {
  if (job.do === 'hold') return { do: 'hold', holding: await hold(job) };
  const identity = job.gatewaySecret === undefined ? bareIdentity : gatewayIdentity(job.gatewaySecret);
  return { do: 'shoot', shots: await shoot({ ...job, identity }) };
}
