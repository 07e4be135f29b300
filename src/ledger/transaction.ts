// Our own transaction runner, because a COMMIT without an answer and a ROLLBACK on a dead connection must not hide the cause.
import type { Kysely } from 'kysely';
import { kyselyOn, type SessionSource } from './dialect.ts';
import { kindOf } from './errors.ts';
import { retrying } from './retry.ts';
import type { Schema } from './schema.ts';
import type { Session } from './session.ts';

export type Work<T> = (db: Kysely<Schema>) => Promise<T>;

/**
 * Runs `work` in one READ COMMITTED transaction and returns what it returned, once the COMMIT is known. Any error, also
 * one of a statement that `work` swallowed, rolls all of it back: a lock wait undoes only its statement, and a COMMIT
 * after it would commit half. What the server rolled back is done again; so is work that never began because
 * the idle connection had died. Throws what `work` threw, or the Fault; of kind `unknown` when the COMMIT got no answer.
 */
export function inTransaction<T>(source: SessionSource, work: Work<T>): Promise<T> {
  return retrying(() => beginning(source, (session) => finishing(session, work)));
}

/** Runs `work` on one session that is given back, or was destroyed, when it returns. */
export async function withSession<T>(source: SessionSource, work: Work<T>): Promise<T> {
  const session = await source.acquire();
  try {
    return await work(kyselyOn(session));
  } catch (error) {
    // On a connection that is gone every statement fails; the first error says why it went.
    throw session.doomed ? (session.failure ?? error) : error;
  } finally {
    source.release(session);
  }
}

async function beginning<T>(source: SessionSource, work: (session: Session) => Promise<T>): Promise<T> {
  for (let isFirst = true; ; isFirst = false) {
    const session = await source.acquire();
    try {
      const began = await session.send('START TRANSACTION', []).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (began === undefined) return await work(session);
      if (!isFirst || kindOf(began) !== 'unknown') throw began;
    } finally {
      source.release(session);
    }
  }
}

async function finishing<T>(session: Session, work: Work<T>): Promise<T> {
  try {
    const result = await work(kyselyOn(session));
    if (session.failure !== undefined) throw session.failure;
    await session.send('COMMIT', []);
    return result;
  } catch (error) {
    if (!session.doomed) await session.send('ROLLBACK', []).catch(() => session.destroy());
    throw error;
  }
}
