// Whether the process may open as many connections as it accepts: each takes a file descriptor.
import { limits } from '../process/limits.ts';
import { type Fact, type Finding, judged, ok, warning } from './finding.ts';

/**
 * The soft limit of this process, which Node has raised to the hard one when it started; infinite where there is none.
 * Some 2 ms: Node reads the limits for its diagnostic report only.
 */
export function readOpenFilesMax(): Fact<number> {
  // Since Node 22; the types do not have it yet.
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork: boolean };
  const { excludeNetwork } = report;
  // Otherwise it would look up the name of every peer.
  report.excludeNetwork = true;
  try {
    const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft: number | string } } };
    const soft = userLimits?.open_files?.soft;
    if (soft === undefined) return { untold: 'Node cannot read the limit of open files on this system' };
    return { told: soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft) };
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}

/** Connections of the other listeners and to the stores, which buyers must leave room for. */
export const OTHER_CONNECTIONS =
  limits.adminListenerConnectionsMax + limits.telemetryConnectionsMax + 2 * limits.adminConnectionsMax;

/**
 * How many connections of buyers a front takes: as many as it may have open files, less what others need. Beyond that it
 * closes new ones at once, where each would otherwise keep operators and stores out.
 */
export function publicConnectionsMax(openFilesMax: Fact<number>): number {
  if (!('told' in openFilesMax)) return limits.connectionsMax;
  const room = openFilesMax.told - limits.openFilesReserve - OTHER_CONNECTIONS;
  return Math.max(limits.connectionsMin, Math.min(limits.connectionsMax, room));
}

/** `connectionsWanted` are those of buyers and stores; logs, listeners and libraries come on top. */
export function judgeOpenFiles(openFilesMax: Fact<number>, connectionsWanted: number): Finding {
  return judged('open-files', openFilesMax, (max) => {
    const wanted = connectionsWanted + limits.openFilesReserve;
    const found = `${max} open files allowed (ulimit -n), this process may need ${wanted}`;
    if (max >= wanted) return ok('open-files', found);
    const reached = Math.max(0, max - limits.openFilesReserve);
    return warning('open-files', {
      found,
      means: `from about ${reached} connections on, new connections from buyers or to Redis and the database fail`,
      remedy: `raise the hard limit to ${wanted} or more: ulimit -Hn, LimitNOFILE of systemd, ulimits of compose`,
    });
  });
}
