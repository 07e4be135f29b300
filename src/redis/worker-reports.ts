// Workers and fronts report to Redis that they are there; fronts and the doctor read it. The cost is that of the processes, not
// of the campaigns. The keys are bounded: `lua/report.lua` deletes what silent processes left.
import type { WorkerReport } from '../domain/readiness.ts';
import { limits } from '../process/limits.ts';
import { type RedisClient, rethrow } from './connection.ts';
import { keys } from './keys.ts';
import { loadScript, runScript } from './scripts.ts';

const report = loadScript('report');
const reports = loadScript('reports');

export interface WorkerReports {
  /** Says that the worker is there, and why it is not ready; no reasons when it is. Throws a Fault. */
  report: (name: string, reasons: readonly string[]) => Promise<void>;
  /** Takes the report of a worker that ends back. Throws a Fault. */
  withdraw: (name: string) => Promise<void>;
  /** The newest report of every worker, also of those that have been silent since. Throws a Fault. */
  read: () => Promise<WorkerReport[]>;
}

export const createWorkerReports = (redis: RedisClient): WorkerReports => reportsAt(redis, keys.workers);

/** The same of fronts, which nothing but a status reads. */
export const createFrontReports = (redis: RedisClient): WorkerReports => reportsAt(redis, keys.fronts);

function reportsAt(redis: RedisClient, key: string): WorkerReports {
  return {
    async report(name, reasons) {
      const args = [name, reasons.join(' '), limits.workerForgottenMs];
      await runScript(redis, report, [key], args).catch(rethrow);
    },
    async withdraw(name) {
      await redis.hdel(key, name).catch(rethrow);
    },
    async read() {
      const flat = (await runScript(redis, reports, [key], []).catch(rethrow)) as (string | number)[];
      return Array.from({ length: flat.length / 3 }, (_, index) => ({
        name: String(flat[3 * index]),
        silentMs: Number(flat[3 * index + 1]),
        reasons: String(flat[3 * index + 2])
          .split(' ')
          .filter((reason) => reason !== ''),
      }));
    },
  };
}
