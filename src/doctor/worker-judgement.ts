// Whether anybody issues what was promised: reports of workers beside the tickets that wait. Pure.
import type { WorkerReport } from '../domain/readiness.ts';
import { limits } from '../process/limits.ts';
import { broken, type Fact, type Finding, judged, ok, warning } from './finding.ts';

/** `waitingCount` tickets of the campaigns that were looked at are admitted and not settled. */
export function judgeWorkers(reports: Fact<readonly WorkerReport[]>, waitingCount: number): Finding {
  return judged('workers', reports, (all) => {
    const seen = all.filter(({ silentMs }) => silentMs <= limits.workerSilentMs);
    return seen.length === 0 ? judgeNone(all, waitingCount) : judgeSeen(seen);
  });
}

function judgeNone(silent: readonly WorkerReport[], waitingCount: number): Finding {
  const last = silent.toSorted((a, b) => a.silentMs - b.silentMs)[0];
  const lastSeen = last === undefined ? '' : `; ${last.name} reported ${Math.round(last.silentMs / 1_000)} s ago`;
  const found = `no worker has reported to this Redis in the last ${limits.workerSilentMs / 1_000} s${lastSeen}`;
  const remedy =
    'start a worker (WORKERS=1 for npm start, or node workers/main.ts); the log of a worker that ended says why';
  if (waitingCount === 0)
    return warning('workers', { found, means: 'joins are accepted, but no ticket would be issued', remedy });
  const means = 'the tickets that buyers hold are not issued; they wait and are not lost';
  return broken('workers', { found: `${found}; ${waitingCount} ticket(s) wait`, means, remedy });
}

function judgeSeen(seen: readonly WorkerReport[]): Finding {
  const unready = seen.filter(({ reasons }) => reasons.length > 0);
  const readyCount = seen.length - unready.length;
  if (unready.length === 0)
    return ok('workers', `${seen.length} ready: ${listed(seen.map(({ name }) => name).toSorted())}`);
  return warning('workers', {
    found: `${readyCount} ready, ${unready.length} not: ${listed(unready.map(({ name, reasons }) => `${name} (${reasons.join(', ')})`))}`,
    means: readyCount === 0 ? 'no ticket is issued until a worker is ready' : 'fewer workers issue tickets',
    remedy: 'check that the worker reaches the database and Redis; its log says what failed',
  });
}

function listed(names: readonly string[]): string {
  const rest = names.length - limits.namedMax;
  return `${names.slice(0, limits.namedMax).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
