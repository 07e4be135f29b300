// Kysely writes the SQL; connections, deadlines and transactions stay ours.
import {
  type DatabaseConnection,
  type Driver,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
} from 'kysely';
import type { Schema } from './schema.ts';
import type { Session } from './session.ts';

/** Where Kysely's statements get their session from. */
export interface SessionSource {
  acquire: () => Promise<Session>;
  release: (session: Session) => void;
}

/** A Kysely over our sessions. Its own `transaction()` throws: it masks the cause when the connection died. */
export function kyselyOver(source: SessionSource): Kysely<Schema> {
  return new Kysely<Schema>({
    dialect: {
      createAdapter: () => new MysqlAdapter(),
      createIntrospector: (db) => new MysqlIntrospector(db),
      createQueryCompiler: () => new MysqlQueryCompiler(),
      createDriver: () => driverOver(source),
    },
  });
}

/** A Kysely whose statements all go to one session, in the order they are awaited. */
export const kyselyOn = (session: Session): Kysely<Schema> =>
  kyselyOver({ acquire: async () => session, release: () => undefined });

function driverOver(source: SessionSource): Driver {
  const sessions = new WeakMap<DatabaseConnection, Session>();
  const useOurs = async () => {
    throw new Error('use ledger.transaction: Kysely masks the cause of an error when the connection died');
  };
  return {
    init: async () => undefined,
    acquireConnection: async () => {
      const session = await source.acquire();
      const connection = connectionOver(session);
      sessions.set(connection, session);
      return connection;
    },
    releaseConnection: async (connection) => {
      const session = sessions.get(connection);
      if (session !== undefined) source.release(session);
    },
    beginTransaction: useOurs,
    commitTransaction: useOurs,
    rollbackTransaction: useOurs,
    destroy: async () => undefined,
  };
}

function connectionOver(session: Session): DatabaseConnection {
  return {
    executeQuery: async ({ sql, parameters }) => {
      const { rows, matchedCount, insertId } = await session.send(sql, parameters);
      return {
        rows: rows as never[],
        numAffectedRows: BigInt(matchedCount),
        ...(insertId > 0 && { insertId: BigInt(insertId) }),
      };
    },
    streamQuery: () => {
      throw new Error('the ledger does not stream: read in pages');
    },
  };
}
