// One connection in our hands: every statement has a deadline, every error is a Fault, and doubt ends the connection.
import type { Socket } from 'node:net';
import type { PoolConnection } from 'mysql2';
import type { Fault } from '../domain/fault.ts';
import { limits } from '../process/limits.ts';
import { kindOf, statementFault } from './errors.ts';

/** What a statement gave: rows of a query, or the counts of a change. Counts say how many rows matched, not changed. */
export interface Answer {
  rows: Record<string, unknown>[];
  matchedCount: number;
  insertId: number;
}

export interface Session {
  /** Sends one statement; `prepared` keeps its plan on the connection. Throws a Fault of the ledger. */
  send(sql: string, params: readonly unknown[], prepared?: boolean): Promise<Answer>;
  /** The first Fault of this session, also when its receiver swallowed it. */
  readonly failure: Fault | undefined;
  /** True once the connection is destroyed and must not be used again. */
  readonly doomed: boolean;
  destroy(): void;
}

/** Wraps a connection. `onDoubt` is called when an error made it unfit: its siblings in the pool may be dead as well. */
export function openSession(connection: PoolConnection, statementMs: number, onDoubt: () => void): Session {
  let failure: Fault | undefined;
  let doomed = false;
  const destroy = () => {
    doomed = true;
    connection.destroy();
    // mysql2 only half-closes; against a server that hangs the socket would stay for ever.
    (connection as PoolConnection & { stream?: Socket }).stream?.destroy();
  };
  const fail = (error: unknown, sql: string): Fault => {
    const fault = statementFault(error, sql);
    const kind = kindOf(fault);
    failure ??= fault;
    // A mistake that the server did not answer may have left the connection half-way through a statement.
    if (kind === 'unknown' || kind === 'down' || (kind === 'defect' && fault.cause instanceof TypeError)) {
      if (!doomed) onDoubt();
      destroy();
    }
    return fault;
  };
  const send = (sql: string, params: readonly unknown[], prepared = false): Promise<Answer> =>
    new Promise((resolve, reject) => {
      let over = false;
      const finish = (error: unknown, result?: unknown) => {
        if (over) return;
        over = true;
        clearTimeout(deadline);
        if (error) reject(fail(error, sql));
        else resolve(answerOf(result));
      };
      // mysql2's own timeout does not cover PREPARE, and leaves the connection wedged.
      const deadline = setTimeout(() => finish(new Error(`no answer within ${statementMs} ms`)), statementMs);
      try {
        if (prepared) connection.execute(sql, params as never, finish);
        else connection.query(sql, params as never, finish);
      } catch (error) {
        finish(error);
      }
    });
  return {
    send,
    destroy,
    get failure() {
      return failure;
    },
    get doomed() {
      return doomed;
    },
  };
}

/**
 * What every session is told first. One dialect for both servers: each skips the other's comment. The server's own time
 * limit bounds how late a statement we gave up can still land; MySQL has one for SELECT only.
 */
export async function configureSession(session: Session, statementMs: number): Promise<void> {
  await session.send(
    `SET SESSION autocommit = 1, time_zone = '+00:00', innodb_lock_wait_timeout = ${limits.lockWaitMs / 1000}, foreign_key_checks = 1,
      sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,ONLY_FULL_GROUP_BY,NO_ENGINE_SUBSTITUTION'
      /*M!100100 , check_constraint_checks = 1, max_statement_time = ${statementMs / 1000} */
      /*!80000 , max_execution_time = ${statementMs} */`,
    [],
  );
  await session.send('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', []);
}

function answerOf(result: unknown): Answer {
  if (Array.isArray(result)) return { rows: result, matchedCount: 0, insertId: 0 };
  const { affectedRows = 0, insertId = 0 } = (result ?? {}) as { affectedRows?: number; insertId?: number };
  return { rows: [], matchedCount: affectedRows, insertId: Number(insertId) };
}
