// Handing out connections of a mysql2 pool, and taking them back.
import type { Pool, PoolConnection } from 'mysql2';
import type { SessionSource } from './dialect.ts';
import { acquireFault } from './errors.ts';
import { configureSession, openSession, type Session } from './session.ts';

interface Known {
  generation: number;
  statementMs: number;
}

/** What a pool adds to mysql2's: waits that end, sessions that are set up, and no second use of what is in doubt. */
export interface Door extends SessionSource {
  /** A session whose statements take at most `ms`. Throws a retryable `ledger-unavailable` Fault. */
  acquire: (ms?: number) => Promise<Session>;
  usage: () => { inUseCount: number; waitingCount: number };
}

export interface DoorOptions {
  pool: Pool;
  name: string;
  acquireMs: number;
  statementMs: number;
}

export function openDoor({ pool, name, acquireMs, statementMs }: DoorOptions): Door {
  const known = new WeakMap<PoolConnection, Known>();
  const connections = new WeakMap<Session, PoolConnection>();
  let generation = 0;
  let inUseCount = 0;
  let waitingCount = 0;

  const acquire = async (ms = statementMs): Promise<Session> => {
    const giveUpAt = performance.now() + acquireMs;
    waitingCount += 1;
    try {
      for (;;) {
        const connection = await connectionBy(pool, name, giveUpAt);
        const memory = known.get(connection);
        // After one connection died without a word, the others of its age may be as dead: a fresh one decides.
        if (memory !== undefined && memory.generation < generation) {
          connection.destroy();
          continue;
        }
        return await readied(connection, memory, ms);
      }
    } finally {
      waitingCount -= 1;
    }
  };

  const readied = async (connection: PoolConnection, memory: Known | undefined, ms: number): Promise<Session> => {
    const born = generation;
    const session = openSession(connection, ms, () => {
      if (generation === (known.get(connection)?.generation ?? born)) generation += 1;
    });
    if (memory?.statementMs !== ms) {
      // Without a listener a second error of a dying connection would end the process.
      if (memory === undefined) connection.on('error', () => undefined);
      try {
        await configureSession(session, ms);
      } catch (error) {
        session.destroy();
        throw acquireFault(error);
      }
      known.set(connection, { generation: born, statementMs: ms });
    }
    connections.set(session, connection);
    inUseCount += 1;
    return session;
  };

  const release = (session: Session): void => {
    const connection = connections.get(session);
    if (connection === undefined) return;
    connections.delete(session);
    inUseCount -= 1;
    if (!session.doomed) connection.release();
  };

  return { acquire, release, usage: () => ({ inUseCount, waitingCount }) };
}

/** A connection before `giveUpAt`. mysql2 would wait for ever; one that comes late goes straight back. */
function connectionBy(pool: Pool, name: string, giveUpAt: number): Promise<PoolConnection> {
  return new Promise((resolve, reject) => {
    let over = false;
    const waitMs = Math.max(0, giveUpAt - performance.now());
    const deadline = setTimeout(() => {
      over = true;
      reject(acquireFault(new Error(`no connection of pool ${name} came free in time`)));
    }, waitMs);
    pool.getConnection((error, connection) => {
      clearTimeout(deadline);
      if (over) connection?.release();
      else if (error) reject(acquireFault(error));
      else resolve(connection);
    });
  });
}
