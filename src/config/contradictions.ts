// What several settings say together: what is missing beside another, and what contradicts another.
import { waitsForReplica } from '../domain/durability.ts';
import { identityProblems } from './identity.ts';
import { kafkaProblems } from './kafka.ts';
import { listenerProblems } from './listeners.ts';
import { noticeProblems } from './notices.ts';
import { traceProblems } from './opentelemetry.ts';
import type { ReadSettings } from './read.ts';
import type { SettingName } from './settings.ts';

/** Settings a kind of process has no default for: never, or in production, where a secret made at start would differ. */
export interface Needs {
  always?: readonly SettingName[];
  inProduction?: readonly SettingName[];
  /** It answers buyers: in production somebody must say who they are. */
  identity?: boolean;
  /** It is a front, or speaks about one: its listeners and those of its workers must not meet. */
  listeners?: boolean;
}

/** A line each. A setting that is wrong by itself takes part as far as it is known that it was set. */
export function contradictions(reading: ReadSettings, needs: Needs): string[] {
  const { values: env, given } = reading;
  const isProduction = env.SLUICE_PROFILE === 'production';
  const { always = [], inProduction = [], identity = false, listeners = false } = needs;
  const needed = isProduction ? [...always, ...inProduction] : always;
  const missing = needed
    .filter((name) => !given.has(name))
    .map((name) => `${name}: this process needs it, and it is not set`);
  const sameTokens = env.ADMIN_READ_TOKEN !== undefined && env.ADMIN_READ_TOKEN === env.ADMIN_TOKEN;
  const alone = env.DURABILITY !== undefined && waitsForReplica(env.DURABILITY) && !given.has('REDIS_URL');
  const { WORKERS_MIN: min, WORKERS_MAX: max } = env;
  const crossed = min !== undefined && max !== undefined && min > max;
  return [
    ...missing,
    ...(crossed ? [`WORKERS_MIN: is ${min}, more than WORKERS_MAX (${max}); set one of them`] : []),
    ...(sameTokens
      ? [
          'ADMIN_READ_TOKEN: has the same value as ADMIN_TOKEN, so that every reader could make changes; set another value',
        ]
      : []),
    ...(alone ? [`DURABILITY: ${env.DURABILITY} needs a REDIS_URL; the private Redis has no replica`] : []),
    ...traceProblems(reading),
    ...noticeProblems(reading),
    ...(listeners ? listenerProblems(env) : []),
    ...kafkaProblems(reading, isProduction),
    ...identityProblems(reading, { isProduction, isNeeded: identity }),
  ];
}
