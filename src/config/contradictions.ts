// What several settings say together: what is missing beside another, and what contradicts another.
import { waitsForReplica } from '../domain/durability.ts';
import { identityProblems } from './identity.ts';
import type { SettingName, Settings } from './settings.ts';

/** Settings a kind of process has no default for: never, or in production, where a secret made at start would differ. */
export interface Needs {
  always?: readonly SettingName[];
  inProduction?: readonly SettingName[];
  /** It answers buyers: in production somebody must say who they are. */
  identity?: boolean;
}

/** What does not go together, a line each. */
export function contradictions(env: Settings, { always = [], inProduction = [], identity }: Needs): string[] {
  const isProduction = env.SLUICE_PROFILE === 'production';
  const needed = isProduction ? [...always, ...inProduction] : always;
  const missing = needed.filter((name) => env[name] === undefined).map((name) => `${name}: needed here, and not set`);
  const sameTokens = env.ADMIN_READ_TOKEN !== undefined && env.ADMIN_READ_TOKEN === env.ADMIN_TOKEN;
  const alone = waitsForReplica(env.DURABILITY) && env.REDIS_URL === undefined;
  return [
    ...missing,
    ...(sameTokens ? ['ADMIN_READ_TOKEN: is ADMIN_TOKEN, so that whoever may read may also write'] : []),
    ...(alone ? [`DURABILITY: ${env.DURABILITY} needs a REDIS_URL; the private Redis has no replica`] : []),
    ...identityProblems(env, { isProduction, isNeeded: identity === true }),
  ];
}
