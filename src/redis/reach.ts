// The first contact of a process with its Redis: what stands in the way is told in one line, with what to do about it.
import { Fault } from '../domain/fault.ts';
import type { Obstacle } from '../domain/obstacle.ts';
import { RefusedStart } from '../process/lifecycle.ts';
import { parseAddress } from './address.ts';
import type { RedisClient } from './client.ts';
import { untilReady } from './connection.ts';

type Known = [RegExp, what: string, cure: string];

/** By the words of Redis, of ioredis and of TLS. */
const LASTING: Known[] = [
  [
    /WRONGPASS|invalid password/i,
    'the user or password is wrong',
    'put the right one into REDIS_URL: redis://user:password@host:port, or redis://:password@host:port',
  ],
  [/NOAUTH/, 'Redis asks for a password, and REDIS_URL has none', 'write it as redis://:password@host:port'],
  [
    /NOPERM/,
    'the user in REDIS_URL lacks rights that Sluice needs',
    'give that user the rights that deploy/redis-users.acl lists',
  ],
  [/DB index/i, 'Redis has no database with that number', 'use another number after the host, or leave it out'],
  [/RESP type|Protocol error/i, 'the server at that address is not Redis', 'check the host and port in REDIS_URL'],
  [/cluster support disabled/, 'the server is not a Redis Cluster', 'use redis:// instead of redis+cluster://'],
  [
    /unknown command '?sentinel/i,
    'the server at that address is not a Sentinel',
    'use the port of the Sentinels, or redis:// instead of redis+sentinel://',
  ],
  [
    /DENIED/,
    'Redis is in protected mode and accepts connections from its own machine only',
    'set a password in that Redis',
  ],
  [
    /SELF_SIGNED|UNABLE_TO_|CERT_|ERR_TLS|certificate/,
    'the certificate of Redis is not trusted, or does not name that host',
    'set REDIS_CA_FILE to the certificate of its authority, and use a host name that the certificate names',
  ],
  [
    /WRONG_VERSION_NUMBER|wrong version number/,
    'Redis does not speak TLS',
    'write redis instead of rediss in REDIS_URL',
  ],
];
const PASSING: Known[] = [
  [/ECONNREFUSED/, 'no server listens at that address', 'check that Redis runs, and that host and port are right'],
  [/ENOTFOUND|EAI_AGAIN/, 'the host name cannot be resolved', 'check the host name'],
  [/EHOSTUNREACH|ENETUNREACH/, 'the network has no route to that host', 'check the host and the network'],
  [/LOADING/, 'Redis is still loading its data from disk', 'wait, then start this process again'],
  [
    /max number of clients/,
    'Redis has reached its limit of connections',
    'raise maxclients, or close other connections',
  ],
  [
    /All sentinels/,
    'no Sentinel knows the primary',
    'check that the Sentinels run, and that they monitor a primary with that name',
  ],
  [
    /EPIPE|ECONNRESET|closed/,
    'the server closes the connection at once',
    'check that the port is that of Redis; if Redis speaks TLS, write rediss instead of redis',
  ],
];
const SILENT: Omit<Obstacle, 'lasting'> = {
  what: 'Redis does not answer',
  cure: 'check that Redis runs, and that host and port are right; if Redis does not speak TLS, write redis instead of rediss',
};

/**
 * What an error of a connection to `url` means; undefined stands for no answer at all. A server that asks for a password
 * although it was sent one has rejected it: with the number of a database that answer may come first.
 */
export function redisObstacle(error: Error | undefined, url: string): Obstacle {
  const words = wordsOf(error);
  const text = /NOAUTH/.test(words) && hasPassword(url) ? 'WRONGPASS' : words;
  const known = (list: Known[]) => list.find(([pattern]) => pattern.test(text));
  const [, what, cure] = known(LASTING) ?? known(PASSING) ?? [undefined, SILENT.what, SILENT.cure];
  return { what, cure, lasting: known(LASTING) !== undefined };
}

const hasPassword = (url: string): boolean => parseAddress(url).credentials.password !== undefined;

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
      const obstacle = redisObstacle(error, url);
      if (obstacle.lasting) lasting.reject(new RefusedStart(lineOf(obstacle)));
    },
    until: async (redis, waitMs) => {
      const ready = untilReady(redis, waitMs).catch(() => {
        const waited = `Waited ${waitMs / 1_000} s.`;
        throw new Fault('redis-unavailable', `${lineOf(redisObstacle(last, url))}. ${waited}`, { retryable: true });
      });
      await Promise.race([ready, lasting.promise]);
      isReached = true;
    },
  };
}
