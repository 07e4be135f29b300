// Two kinds of connection. The fast one fails at once when Redis is away: a caller who waits is worse than one who is
// told to ask again. The blocking one belongs to a single reader and waits.
import { Redis } from 'ioredis';
import { Fault, isFault } from '../domain/fault.ts';

const reconnectMs = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 6), 1_000) + Math.random() * 50;

const SHARED = {
  protocol: 2 as const,
  connectTimeout: 2_000,
  retryStrategy: reconnectMs,
  // Scripts are idempotent, so resending would be harmless; it would also keep work alive that nobody waits for.
  autoResendUnfulfilledCommands: false,
  lazyConnect: true,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
};

export interface ConnectionSettings {
  url: string;
  /** Shown by CLIENT LIST. */
  name: string;
  /** Hears of every connection error; ioredis repeats them while it reconnects. */
  onError: (error: Error) => void;
}

/** A connection for commands that answer at once; each ends within `commandMs`, and at once while Redis is away. */
export function openFast(settings: ConnectionSettings & { commandMs: number }): Redis {
  const timeouts = { commandTimeout: settings.commandMs, socketTimeout: settings.commandMs * 2 };
  return connect(settings, new Redis(settings.url, { ...SHARED, ...timeouts, connectionName: settings.name }));
}

/** A connection for one reader that blocks up to `blockMs`; a socket silent for three times that is replaced. */
export function openBlocking(settings: ConnectionSettings & { blockMs: number }): Redis {
  const socketTimeout = settings.blockMs * 3;
  return connect(settings, new Redis(settings.url, { ...SHARED, socketTimeout, connectionName: settings.name }));
}

function connect(settings: ConnectionSettings, redis: Redis): Redis {
  redis.on('error', settings.onError);
  redis.connect().catch(() => undefined); // told through the error event; it goes on trying
  return redis;
}

/** Resolves when the connection takes commands; a Fault after `waitMs`. */
export async function untilReady(redis: Redis, waitMs: number): Promise<void> {
  if (redis.status === 'ready') return;
  const late = new Fault('redis-unavailable', `Redis did not answer within ${waitMs} ms`, { retryable: true });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(late), waitMs);
    redis.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

const replies = new WeakSet<Fault>();

/** Whether a Fault says that Redis is out of reach: no connection, or no answer. A refusal of Redis is an answer. */
export const isOutOfReach = (error: unknown): boolean => isFault(error, 'redis-unavailable') && !replies.has(error);

/** Turns what ioredis and the scripts throw into a Fault. Arguments of the command never get into its message. */
export function redisFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith('SLUICE_GATE_MISSING')) return new Fault('gate-missing', message, { retryable: true });
  if (message.startsWith('SLUICE_EPOCH')) return new Fault('stale-epoch', message, { retryable: true });
  if (/^(SLUICE_CORRUPT|WRONGTYPE|ERR )/.test(message)) return new Fault('corrupt-state', message, { cause: message });
  const fault = new Fault('redis-unavailable', message, { retryable: true });
  if (error instanceof Error && error.name === 'ReplyError') replies.add(fault);
  return fault;
}
