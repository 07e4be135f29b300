// The ports that one front and the workers it starts listen on: two listeners of one port is no fault of anybody else.
import { isWildcard } from '../domain/listen-address.ts';
import type { Settings } from './settings.ts';

interface Claim {
  /** Names the setting, or who takes the port because of it. */
  by: string;
  host: string;
  port: number;
}

/** A line for each pair of listeners that want one port, and for workers whose ports lie beyond the last one. */
export function listenerProblems(env: Partial<Settings>): string[] {
  const claims = claimsOf(env);
  const beyond = claims.filter(({ port }) => port > 65_535);
  const last = beyond.at(-1);
  return [
    ...claims.flatMap((claim, index) => claims.slice(0, index).flatMap((other) => clash(other, claim))),
    ...(last === undefined
      ? []
      : [
          `TELEMETRY_PORT: the workers of this front use the ports after it, up to ${last.port}; set it to ${65_535 - workerCount(env)} or less`,
        ]),
  ];
}

function claimsOf({
  HOST,
  PORT,
  ADMIN_HOST,
  ADMIN_PORT,
  TELEMETRY,
  TELEMETRY_HOST,
  TELEMETRY_PORT,
  ...rest
}: Partial<Settings>) {
  const claims: Claim[] = [];
  const claim = (by: string, host: string | undefined, port: number | undefined) => {
    // 0 takes a free port; a setting that is wrong has been told.
    if (host !== undefined && port !== undefined && port > 0) claims.push({ by, host, port });
  };
  claim('PORT', HOST, PORT);
  claim('ADMIN_PORT', ADMIN_HOST, ADMIN_PORT);
  if (TELEMETRY !== 'on' || TELEMETRY_PORT === undefined || TELEMETRY_PORT === 0) return claims;
  claim('TELEMETRY_PORT', TELEMETRY_HOST, TELEMETRY_PORT);
  for (let worker = 1; worker <= workerCount(rest); worker += 1) {
    claim(`TELEMETRY_PORT + ${worker}, of worker ${worker}`, TELEMETRY_HOST, TELEMETRY_PORT + worker);
  }
  return claims;
}

/** The most workers that a front starts. */
const workerCount = ({ WORKERS = 0, WORKERS_MAX = 0 }: Partial<Settings>): number =>
  WORKERS === 'auto' ? WORKERS_MAX : WORKERS;

function clash(one: Claim, other: Claim): string[] {
  if (one.port !== other.port || !overlap(one.host, other.host)) return [];
  return [`${one.by}: ${one.port} is also ${other.by}: each listener needs its own port, so change one of them`];
}

/** `::` takes IPv4 as well. */
function overlap(one: string, other: string): boolean {
  if (one === other || one === '::' || other === '::') return true;
  const wildcard = isWildcard(one) || isWildcard(other);
  return wildcard && !`${one} ${other}`.includes(':');
}
