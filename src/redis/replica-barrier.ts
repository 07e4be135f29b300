// Durability `replica`: nobody is told of a ticket before a replica has it.
//
// WAIT counts what its own connection wrote last. So a connection of its own (WAIT holds up everything behind it) writes
// a mark after the gate's reply and waits for that: a replica that has the mark has all that the primary wrote before,
// whoever wrote it. One barrier is under way for each primary, and whoever comes meanwhile shares the next.
//
// It proves something only about the server that ran the gate script. After a failover, or with an old primary that
// woke up, the two connections may end at different servers: the process at the other end must be the same.
import { Cluster, Command, type Redis } from 'ioredis';
import { Fault } from '../domain/fault.ts';
import { limits } from '../process/limits.ts';
import { type RedisClient, redisFault, untilReady } from './connection.ts';
import { keys } from './keys.ts';
import { runIdOf } from './server-runs.ts';

export interface ReplicaBarrier {
  /**
   * Call it before the gate of `campaign` is asked. What it gives is to be called in the turn of the gate's reply, and
   * resolves when a replica has everything of that reply; else it rejects with a retryable Fault: ask again.
   */
  begin(campaign: string): () => Promise<void>;
  close(): void;
}

interface Wish {
  campaign: string;
  /** Run id of the server that answered. */
  answeredBy: Promise<string>;
  resolve: () => void;
  reject: (fault: Fault) => void;
}

interface Lane {
  connection: Redis;
  waiting: Wish[];
  isBusy: boolean;
}

/** `redis` is the connection that asks the gates; the barrier opens its own beside it, one for each primary. */
export function createReplicaBarrier(redis: RedisClient, onError: (error: Error) => void): ReplicaBarrier {
  const lanes = new Map<Redis, Lane>();
  let count = 0;

  function laneOf(primary: Redis): Lane {
    const existing = lanes.get(primary);
    if (existing !== undefined && existing.connection.status !== 'end') return existing;
    existing?.connection.disconnect();
    const lane = { connection: openBeside(primary, onError), waiting: [], isBusy: false };
    lanes.set(primary, lane);
    primary.once('end', () => {
      lane.connection.disconnect();
      if (lanes.get(primary) === lane) lanes.delete(primary);
    });
    return lane;
  }

  async function pass(lane: Lane): Promise<void> {
    lane.isBusy = true;
    while (lane.waiting.length > 0) {
      const wishes = lane.waiting.splice(0);
      count += 1;
      await confirm(lane.connection, wishes, count).catch((error: unknown) => {
        for (const { reject } of wishes) reject(redisFault(error));
      });
    }
    lane.isBusy = false;
  }

  return {
    begin(campaign) {
      const asked = primaryOf(redis, campaign);
      return async () => {
        const answered = primaryOf(redis, campaign);
        if (asked === undefined || asked !== answered)
          throw unconfirmed('the gate moved to another server during the check');
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const lane = laneOf(answered);
        lane.waiting.push({ campaign, answeredBy: runIdOfSocket(answered), resolve, reject });
        if (!lane.isBusy) void pass(lane);
        return promise;
      };
    },
    close() {
      for (const { connection } of lanes.values()) connection.disconnect();
    },
  };
}

async function confirm(connection: Redis, wishes: readonly Wish[], count: number): Promise<void> {
  await untilReady(connection, limits.replicaWaitMs);
  const campaigns = [...new Set(wishes.map(({ campaign }) => campaign))];
  const pipeline = connection.pipeline();
  // A gate that has been moved away answers elsewhere, and its mark may still be here: the gate itself must be.
  for (const campaign of campaigns) pipeline.exists(keys.gate(campaign)).set(keys.barrier(campaign), count);
  const replies = (await pipeline.call('WAIT', 1, limits.replicaWaitMs).exec())!;
  const confirmedBy = await runIdOfSocket(connection);
  const [waitError, replicas] = replies.at(-1)!;
  if (waitError !== null) throw waitError;
  for (const { campaign, answeredBy, resolve, reject } of wishes) {
    const at = 2 * campaigns.indexOf(campaign);
    const [[gateError, isThere], [markError]] = [replies[at]!, replies[at + 1]!];
    const server = await answeredBy.catch(redisFault);
    if (gateError !== null || markError !== null) reject(redisFault(gateError ?? markError));
    else if (isThere !== 1) reject(unconfirmed('the gate is missing'));
    else if (server !== confirmedBy) reject(unconfirmed('the confirmation came from another server than the answer'));
    else if (replicas === 0) reject(unconfirmed(`no replica confirmed within ${limits.replicaWaitMs} ms`));
    else resolve();
  }
}

/** Where the gate is asked now; undefined while nobody knows. */
function primaryOf(redis: RedisClient, campaign: string): Redis | undefined {
  if (!(redis instanceof Cluster)) return redis;
  const [address] = redis.slots[new Command('get', [keys.gate(campaign)]).getSlot()!] ?? [];
  return redis.nodes('master').find(({ options }) => `${options.host}:${options.port}` === address);
}

function openBeside(primary: Redis, onError: (error: Error) => void): Redis {
  const connection = primary.duplicate({
    connectionName: 'sluice-barrier',
    commandTimeout: limits.replicaWaitMs + limits.gateCallMs / 2,
    socketTimeout: limits.replicaWaitMs * 2,
    lazyConnect: false,
    enableOfflineQueue: false,
  });
  connection.on('error', onError);
  return connection;
}

/** By socket: the next one may end at another server, or at the same one started anew, without its last writes. */
const runIds = new WeakMap<object, Promise<string>>();

/** The run id of the server at the other end of the connection's present socket. */
function runIdOfSocket(connection: Redis): Promise<string> {
  const socket: object = connection.stream;
  const asked = runIds.get(socket);
  if (asked !== undefined) return asked;
  const runId = runIdOf(connection);
  runIds.set(socket, runId);
  runId.catch(() => runIds.delete(socket));
  return runId;
}

const unconfirmed = (why: string): Fault => new Fault('redis-unavailable', why, { retryable: true });
