// The way to the ledger: a bounded pool whose waits end, whose doubtful connections die, and whose errors are Faults.
import type { Kysely } from 'kysely';
import { createPool, type Pool } from 'mysql2';
import { openDoor } from './connections.ts';
import { kyselyOver } from './dialect.ts';
import type { Schema } from './schema.ts';
import type { Answer } from './session.ts';
import { inTransaction, type Work, withSession } from './transaction.ts';

export interface LedgerOptions {
  /** `mysql://user:password@host:port/database` */
  url: string;
  /** Who uses it: worker, status, admin. Each has a pool of its own, so that none starves another. */
  name: string;
  connectionMax: number;
  /** Callers that may wait for a connection; the next one gets a Fault at once. 0 is no bound. */
  queueMax: number;
  /** How long a caller waits for a connection. */
  acquireMs: number;
  /** How long one statement may take; after that its connection is destroyed and its outcome unknown. */
  statementMs: number;
  /** Whether what is issued and cancelled is written into the outbox as well; `false` if it is not named. */
  tellsOutbox?: boolean;
}

export interface Ledger extends AsyncDisposable {
  readonly name: string;
  readonly connectionMax: number;
  /** Whether what is issued and cancelled is written into the outbox as well. */
  readonly tellsOutbox: boolean;
  /** Typed queries, each on whatever connection is free. */
  readonly db: Kysely<Schema>;
  /** One transaction; see `inTransaction`. */
  transaction<T>(work: Work<T>): Promise<T>;
  /** Several statements on one connection, outside of any transaction, each with `statementMs` of its own. */
  onOneConnection<T>(work: Work<T>, statementMs: number): Promise<T>;
  /** One hot statement. `prepared` keeps it parsed on the connection: only for few distinct texts. */
  run(sql: string, params: readonly unknown[], prepared?: boolean): Promise<Answer>;
  /** Connections handed out and callers that wait for one, now. */
  usage: () => { inUseCount: number; waitingCount: number };
  /** Ends idle connections and waits for those in use, at most one statement long. May be called again. */
  close(): Promise<void>;
}

/**
 * Opens a pool; connects when first used. Everything it offers throws Faults: `ledger-unavailable` (retryable) when the
 * ledger is out of reach, gives no connection in time or does not answer, `defect` for a statement that can never work, `conflict` for a duplicate key, `invalid` for
 * a value it refuses. `kindOf` of errors.ts tells them further apart.
 */
export function openLedger(options: LedgerOptions): Ledger {
  const { name, statementMs } = options;
  const pool = createPool({
    uri: options.url,
    connectionLimit: options.connectionMax,
    queueLimit: options.queueMax,
    connectTimeout: options.acquireMs,
    maxPreparedStatements: 16,
    supportBigNumbers: true,
    timezone: 'Z',
  });
  const door = openDoor({ pool, ...options });
  const db = kyselyOver(door);
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= endPool(pool, options.acquireMs + statementMs);
    return closing;
  };
  return {
    name,
    connectionMax: options.connectionMax,
    tellsOutbox: options.tellsOutbox ?? false,
    db,
    transaction: (work) => inTransaction(door, work),
    onOneConnection: (work, ms) => withSession({ acquire: () => door.acquire(ms), release: door.release }, work),
    run: async (sql, params, prepared) => {
      const session = await door.acquire();
      try {
        return await session.send(sql, params, prepared);
      } finally {
        door.release(session);
      }
    },
    usage: door.usage,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** mysql2 waits for connections in use, also for one that hangs: not longer than any work may take. */
function endPool(pool: Pool, patienceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(resolve, patienceMs);
    pool.end(() => {
      clearTimeout(deadline);
      resolve();
    });
  });
}
