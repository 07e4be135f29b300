// The checks of a process that starts: what breaks a promise refuses the start, the rest is told.
import { RefusedStart } from '../process/lifecycle.ts';
import type { Log } from '../telemetry/log.ts';
import { examineServers, type Patient } from './examine.ts';
import { lineOf } from './report.ts';

/**
 * States that pass: a process that runs answers 503 in them and goes on by itself, one that refused to start could not.
 * Settings never pass by themselves.
 */
const PASSING = new Set(['redis-log-state', 'redis-cluster', 'redis-connections', 'ledger-connections']);

/** Throws a RefusedStart with one line for each promise that is broken; logs every other finding that is not ok. */
export async function checkStart(patient: Patient, log: Pick<Log, 'warn'>): Promise<void> {
  const findings = await examineServers(patient);
  const refusing = findings.filter(({ check, status }) => status === 'broken' && !PASSING.has(check));
  for (const finding of findings) {
    if (finding.status !== 'ok' && !refusing.includes(finding)) log.warn(finding, 'doctor');
  }
  if (refusing.length > 0) throw new RefusedStart(refusing.map(lineOf).join('\n'));
}
