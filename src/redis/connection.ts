// Kinds of connection. The fast one fails at once when Redis is away: a caller who waits is worse than one who is told
// to ask again. That of a reader sends nothing a second time.
import { Cluster, type Redis } from 'ioredis';
import { Fault, isFault } from '../domain/fault.ts';
import { limits } from '../process/limits.ts';
import { type ConnectionPurpose, createClient, type RedisClient, type RedisServer } from './client.ts';

export type { RedisClient, RedisServer } from './client.ts';

export interface ConnectionSettings extends RedisServer {
  /** Shown by CLIENT LIST. */
  name: string;
  /** Hears of every connection error; ioredis repeats them while it reconnects. */
  onError: (error: Error) => void;
}

/** A connection for commands that answer at once; each ends within `commandMs`, and at once while Redis is away. */
export function openFast({ commandMs, ...settings }: ConnectionSettings & { commandMs: number }): RedisClient {
  const profile = { name: settings.name, commandMs, silentMs: commandMs * 2, outlastsFailover: true };
  return connectPrimaries(open(settings, profile));
}

/** A primary is connected to before the first command for it, which would be turned away meanwhile. */
function connectPrimaries(client: RedisClient): RedisClient {
  if (client instanceof Cluster) {
    client.on('+node', (node) => {
      if (!node.options.readOnly && node.status === 'wait') node.connect().catch(() => undefined);
    });
  }
  return client;
}

/** A connection for one reader of work: each command ends within `commandMs` and is never sent again, so that it knows of every reply that was lost. */
export function openReading({ commandMs, ...settings }: ConnectionSettings & { commandMs: number }): RedisClient {
  return connectPrimaries(open(settings, { name: settings.name, commandMs, silentMs: commandMs }));
}

/** BullMQ's connections: that of a queue fails while Redis is away, that of a worker waits for it. */
export function openForBullmq(settings: ConnectionSettings, side: 'queue' | 'worker'): RedisClient {
  const { name } = settings;
  const commandMs = limits.retryCommandMs;
  if (side === 'queue')
    return open(settings, { name, commandMs, silentMs: commandMs * 2, retries: 1, outlastsFailover: true });
  return open(settings, { name, silentMs: limits.bullmqSilentMs, retries: null, queue: true, outlastsFailover: true });
}

function open(settings: ConnectionSettings, profile: ConnectionPurpose): RedisClient {
  const client = createClient(settings, profile);
  client.on('error', settings.onError);
  client.on('node error', settings.onError);
  if (client.status === 'wait') client.connect().catch(() => undefined); // told through the error event; it goes on trying
  return client;
}

/** Whether several servers answer, so that one of them may hang. */
export const isCluster = (redis: RedisClient): boolean => redis instanceof Cluster;

/** The servers that may hold a gate: a Cluster's primaries, else the one there is. */
export function primariesOf(redis: RedisClient): Redis[] {
  const primaries = redis instanceof Cluster ? redis.nodes('master') : [];
  // A Cluster out of reach has none; asked as a whole it says why.
  return primaries.length > 0 ? primaries : [redis as Redis];
}

/** Resolves when the connection takes commands; a Fault after `waitMs`. */
export async function untilReady(redis: RedisClient, waitMs: number): Promise<void> {
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

/** What no data and no moment can be blamed for: the command or the script is wrong. */
const DEFECT =
  /^(CROSSSLOT|EXECABORT|ERR (unknown command|unknown subcommand|wrong number of arguments|syntax error|Error compiling script)|ERR .*nonexistent global variable)/i;
/** Errors that will be the same next time: the data or the script is at fault, not the moment. */
const LASTING = /^(SLUICE_CORRUPT|WRONGTYPE|CROSSSLOT|ERR (?!max number of clients))/;

const replies = new WeakSet<Fault>();

/** Whether a Fault says that Redis is out of reach: no connection, or no answer. A refusal of Redis is an answer. */
export const isOutOfReach = (error: unknown): boolean => isFault(error, 'redis-unavailable') && !replies.has(error);

/** What JavaScript throws at a mistake: a command that was never sent. */
const isMistake = (error: unknown): boolean =>
  error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;

/** Turns what ioredis and the scripts throw into a Fault. Arguments of the command never get into its message. */
export function redisFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith('SLUICE_GATE_MISSING')) return new Fault('gate-missing', message, { retryable: true });
  if (message.startsWith('SLUICE_UNVERIFIED')) return new Fault('gate-unverified', message, { retryable: true });
  if (message.startsWith('SLUICE_EPOCH')) return new Fault('stale-epoch', message, { retryable: true });
  if (DEFECT.test(message) || isMistake(error)) return new Fault('defect', message, { cause: error });
  if (LASTING.test(message)) return new Fault('corrupt-state', message, { cause: message });
  const fault = new Fault('redis-unavailable', message, { retryable: true });
  if (error instanceof Error && error.name === 'ReplyError') replies.add(fault);
  return fault;
}

/** For `catch`: the same as a rejection. */
export function rethrow(error: unknown): never {
  throw redisFault(error);
}
