// Asks Redis what the promises rest on. Each question by itself may be forbidden (ACL, a managed service): it is then
// untold, and the others are answered all the same.
import type { Redis } from 'ioredis';
import { infoFields } from '../redis/server-info.ts';
import { type ClockReading, type Fact, type Fields, factOf, reasonOf } from './finding.ts';

export interface RedisFacts {
  info: Fact<Fields>;
  settings: Fact<Fields>;
  /** Whether a client without a password is let in as the user `default`. */
  openToAll: Fact<boolean>;
  /** What scripts may not do here, in Redis's words; empty when they may do all that Sluice needs. */
  scriptRefusals: string[];
  /** CLUSTER INFO; undefined where there is no cluster. */
  cluster: Fact<Fields> | undefined;
  clock: Fact<ClockReading>;
}

const SETTINGS = [
  'maxmemory-policy',
  'appendonly',
  'appendfsync',
  'no-appendfsync-on-rewrite',
  'save',
  'stop-writes-on-bgsave-error',
  'min-replicas-to-write',
  'min-replicas-max-lag',
  'bind',
  'protected-mode',
  'requirepass',
  'cluster-require-full-coverage',
];

const UNKNOWN_SHA = '0'.repeat(40);
const PROBE = '#!lua flags=no-writes\nreturn 1';
const INFO_PROBE = "#!lua flags=no-writes\nreturn redis.call('INFO', 'server')";

/** One round trip for the clock, one for the rest, one more in a cluster. Never rejects. */
export async function gatherRedisFacts(redis: Redis): Promise<RedisFacts> {
  const clock = await factOf(() => readClock(redis));
  const pipeline = redis
    .pipeline()
    .info()
    .config('GET', ...(SETTINGS as [string]))
    .acl('GETUSER', 'default');
  pipeline.evalsha(UNKNOWN_SHA, 0).eval(PROBE, 0).eval(INFO_PROBE, 0);
  const replies = await factOf(async () => (await pipeline.exec())!);
  const reply = <T>(index: number, read: (value: unknown) => T): Fact<T> => {
    if ('untold' in replies) return replies;
    const [error, value] = replies.told[index]!;
    return error ? { untold: reasonOf(error) } : { told: read(value) };
  };
  const info = reply(0, (text) => infoFields(text as string));
  const isCluster = 'told' in info && info.told.cluster_enabled === '1';
  return {
    clock,
    info,
    settings: reply(1, (flat) => pairsOf(flat as string[])),
    openToAll: reply(2, (user) => isOpen(user as unknown[] | null)),
    scriptRefusals: ['EVALSHA', 'EVAL', 'INFO in a script'].flatMap((question, index) => {
      const answer = reply(3 + index, () => undefined);
      return 'untold' in answer && !answer.untold.startsWith('NOSCRIPT') ? [`${question}: ${answer.untold}`] : [];
    }),
    cluster: isCluster ? await factOf(async () => infoFields((await redis.cluster('INFO')) as string)) : undefined,
  };
}

async function readClock(redis: Redis): Promise<ClockReading> {
  const askedAt = Date.now();
  const [seconds, micros] = (await redis.time()).map(Number) as [number, number];
  const doubtMs = (Date.now() - askedAt) / 2;
  return { aheadMs: seconds * 1_000 + micros / 1_000 - askedAt - doubtMs, doubtMs };
}

/** `name:value` lines; section titles and empty lines fall out. */
function pairsOf(flat: readonly string[]): Fields {
  return Object.fromEntries(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]!]] : [])));
}

function isOpen(user: unknown[] | null): boolean {
  if (user === null) return false;
  const flags = user[user.indexOf('flags') + 1] as string[];
  return flags.includes('on') && flags.includes('nopass');
}
