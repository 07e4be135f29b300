// The first contact of a process with its Redis: what stands in the way is told in one line, with what to do about it.
import { Fault } from '../domain/fault.ts';
import { RefusedStart } from '../process/lifecycle.ts';
import { parseAddress } from './address.ts';
import type { RedisClient } from './client.ts';
import { untilReady } from './connection.ts';

export interface Obstacle {
  /** What is wrong. */
  what: string;
  /** What to do about it. */
  cure: string;
  /** Waiting does not help. */
  lasting: boolean;
}

type Known = [RegExp, what: string, cure: string];

/** By the words of Redis, of ioredis and of TLS. */
const LASTING: Known[] = [
  [
    /WRONGPASS|invalid password/i,
    'the user or password is wrong',
    'put the right one into REDIS_URL: redis://user:password@host:port, or redis://:password@host:port',
  ],
  [/NOAUTH/, 'it wants a password, and REDIS_URL has none', 'write it as redis://:password@host:port'],
  [/NOPERM/, 'its user may not do what Sluice needs', 'give it the rights that deploy/redis-users.acl lists'],
  [/DB index/i, 'it has no database of that number', 'take another number after the host, or none'],
  [/RESP type|Protocol error/i, 'what answers there is not Redis', 'see that host and port are those of Redis'],
  [/cluster support disabled/, 'it is no Redis Cluster', 'take redis:// in place of redis+cluster://'],
  [
    /unknown command '?sentinel/i,
    'what answers there is no Sentinel',
    'name the port of the Sentinels, or take redis:// in place of redis+sentinel://',
  ],
  [/DENIED/, 'it is in protected mode and takes connections of its own machine only', 'give that Redis a password'],
  [
    /SELF_SIGNED|UNABLE_TO_|CERT_|ERR_TLS|certificate/,
    'its certificate is not trusted, or is not of that host',
    'set REDIS_CA_FILE to the certificate of its authority, and name the host that the certificate names',
  ],
  [/WRONG_VERSION_NUMBER|wrong version number/, 'it does not speak TLS', 'take redis in place of rediss in REDIS_URL'],
];
const PASSING: Known[] = [
  [/ECONNREFUSED/, 'nothing listens there', 'see that it runs, and that host and port are right'],
  [/ENOTFOUND|EAI_AGAIN/, 'no host of that name is known', 'see that the name of the host is right'],
  [/EHOSTUNREACH|ENETUNREACH/, 'no way leads to that host', 'see that the host is right and the network up'],
  [/LOADING/, 'it still reads its data from disk', 'wait, then start this again'],
  [/max number of clients/, 'it takes no further connection', 'raise its maxclients, or end connections'],
  [/All sentinels/, 'no Sentinel names a primary', 'see that they run, and that they know a primary of that name'],
  [
    /EPIPE|ECONNRESET|closed/,
    'it closes the connection at once',
    'see that the port is that of Redis; one that speaks TLS takes rediss in place of redis',
  ],
];
const SILENT: Omit<Obstacle, 'lasting'> = {
  what: 'it does not answer',
  cure: 'see that it runs, and that host and port are right; one without TLS takes redis in place of rediss',
};

/** What an error of a connection means; undefined stands for no answer at all. */
export function redisObstacle(error: Error | undefined): Obstacle {
  const text = wordsOf(error);
  const known = (list: Known[]) => list.find(([pattern]) => pattern.test(text));
  const [, what, cure] = known(LASTING) ?? known(PASSING) ?? [undefined, SILENT.what, SILENT.cure];
  return { what, cure, lasting: known(LASTING) !== undefined };
}

/** A Cluster and Sentinels keep the reason behind the error. */
function wordsOf(error: Error | undefined): string {
  const { code, lastNodeError } = (error ?? {}) as { code?: string; lastNodeError?: Error };
  return [code, error?.message, lastNodeError?.message].filter(Boolean).join(' ');
}

/** Host and port, nothing of who logs in. */
export function shownAddress(url: string): string {
  const address = parseAddress(url);
  const hosts =
    address.kind === 'single' ? [address.at] : address.kind === 'sentinel' ? address.sentinels : address.nodes;
  return hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
}

export interface Reach {
  /** For a connection's errors: kept while the start waits for it, which tells the last one; passed on afterwards. */
  onError: (error: Error) => void;
  /**
   * Resolves when the connection takes commands. Throws one line: a RefusedStart at once for what lasts, a retryable Fault
   * after `waitMs` for what may pass.
   */
  until: (redis: RedisClient, waitMs: number) => Promise<void>;
}

export function createReach(url: string, onError: (error: Error) => void): Reach {
  let last: Error | undefined;
  let isReached = false;
  const lasting = Promise.withResolvers<never>();
  lasting.promise.catch(() => undefined);
  const lineOf = ({ what, cure }: Obstacle) => `REDIS_URL, Redis at ${shownAddress(url)}: ${what}. Do: ${cure}`;
  return {
    onError: (error) => {
      if (isReached) onError(error);
      // What follows from the first error is told less well: that a closed connection cannot be written to.
      else if (last === undefined || wordsOf(error) !== 'Connection is closed.') last = error;
      const obstacle = redisObstacle(error);
      if (obstacle.lasting) lasting.reject(new RefusedStart(lineOf(obstacle)));
    },
    until: async (redis, waitMs) => {
      const ready = untilReady(redis, waitMs).catch(() => {
        const waited = `Waited ${waitMs / 1_000} s.`;
        throw new Fault('redis-unavailable', `${lineOf(redisObstacle(last))}. ${waited}`, { retryable: true });
      });
      await Promise.race([ready, lasting.promise]);
      isReached = true;
    },
  };
}
