// Whether anybody issues what was promised: reports of workers beside the tickets that wait. Pure.
import type { WorkerReport } from '../domain/readiness.ts';
import { limits } from '../process/limits.ts';
import { broken, type Fact, type Finding, judged, listed, ok, warning } from './finding.ts';

/** `waitingCount` tickets of the campaigns that were looked at are admitted and not settled; `openCount` campaigns sell now. */
export function judgeWorkers(reports: Fact<readonly WorkerReport[]>, waitingCount: number, openCount: number): Finding {
  return judged('workers', reports, (all) => {
    const seen = all.filter(({ silentMs }) => silentMs <= limits.workerSilentMs);
    return seen.length === 0 ? judgeNone(all, waitingCount, openCount) : judgeSeen(seen, waitingCount, openCount);
  });
}

function judgeNone(silent: readonly WorkerReport[], waitingCount: number, openCount: number): Finding {
  const last = silent.toSorted((a, b) => a.silentMs - b.silentMs)[0];
  const lastSeen = last === undefined ? '' : `; ${last.name} reported ${Math.round(last.silentMs / 1_000)} s ago`;
  const found = `no worker has reported to this Redis in the last ${limits.workerSilentMs / 1_000} s${lastSeen}`;
  const remedy =
    'start a worker (WORKERS=1 for npm start, or node workers/main.ts); the log of a worker that ended says why';
  return judgeNobody(found, remedy, waitingCount, openCount);
}

/** No worker can issue: that breaks a promise as soon as somebody may buy. */
function judgeNobody(found: string, remedy: string, waitingCount: number, openCount: number): Finding {
  if (waitingCount > 0) {
    const means = 'the tickets that buyers hold are not issued; they wait and are not lost';
    return broken('workers', { found: `${found}; ${waitingCount} ticket(s) wait`, means, remedy });
  }
  const means = 'joins are accepted, but no ticket would be issued';
  if (openCount === 0) return warning('workers', { found, means, remedy });
  return broken('workers', { found: `${found}; ${openCount} campaign(s) are open`, means, remedy });
}

function judgeSeen(seen: readonly WorkerReport[], waitingCount: number, openCount: number): Finding {
  const unready = seen.filter(({ reasons }) => reasons.length > 0);
  const readyCount = seen.length - unready.length;
  if (unready.length === 0)
    return ok('workers', `${seen.length} ready: ${listed(seen.map(({ name }) => name).toSorted())}`);
  const found = `${readyCount} ready, ${unready.length} not: ${listed(unready.map(({ name, reasons }) => `${name} (${reasons.join(', ')})`))}`;
  const remedy =
    'check that the worker reaches the database and Redis and that both allow it its connections (redis-connections, ledger-connections); its log says what failed';
  if (readyCount === 0) return judgeNobody(found, remedy, waitingCount, openCount);
  return warning('workers', { found, means: 'fewer workers issue tickets', remedy });
}
