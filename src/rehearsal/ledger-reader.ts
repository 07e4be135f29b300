// The ledger through a connection of our own: no code of the service stands between the rows and the verdict.
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { CannotRun } from './cannot-run.ts';
import { LEDGER_CONNECT_MS } from './limits.ts';

export interface LedgerRow {
  unit: number;
  user: string;
  seq: number;
  code: string;
  /** Epoch µs by the ledger's columns. */
  admittedAtUs: number;
  issuedAtUs: number;
}

export interface LedgerContents {
  rows: LedgerRow[];
  deadLetterSeqs: number[];
}

/** Rows and dead letters of a campaign as of one moment. Throws {@link CannotRun}. */
export function readLedger(databaseUrl: string, campaign: string): Promise<LedgerContents> {
  return withLedger(databaseUrl, async (connection) => {
    // One snapshot: a redriven dead letter becomes a row, and must not be missed between two reads.
    await connection.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
    const [rows] = await connection.query<(LedgerRow & RowDataPacket)[]>(
      `SELECT \`unit\`, CONVERT(\`user\` USING utf8mb4) AS \`user\`, \`seq\`, CONVERT(\`code\` USING utf8mb4) AS \`code\`,
              TIMESTAMPDIFF(MICROSECOND, '1970-01-01', admitted_at) AS admittedAtUs,
              TIMESTAMPDIFF(MICROSECOND, '1970-01-01', issued_at) AS issuedAtUs
         FROM issuances WHERE campaign = ?`,
      [campaign],
    );
    const [dead] = await connection.query<({ seq: number } & RowDataPacket)[]>(
      'SELECT `seq` FROM dead_letters WHERE campaign = ?',
      [campaign],
    );
    return { rows, deadLetterSeqs: dead.map(({ seq }) => seq) };
  });
}

/** Rows plus dead letters of a campaign: the cheap question. Throws {@link CannotRun}. */
export function countLedger(databaseUrl: string, campaign: string): Promise<number> {
  return withLedger(databaseUrl, async (connection) => {
    const [[row]] = await connection.query<({ settledCount: number } & RowDataPacket)[]>(
      `SELECT (SELECT COUNT(*) FROM issuances WHERE campaign = ?)
            + (SELECT COUNT(*) FROM dead_letters WHERE campaign = ?) AS settledCount`,
      [campaign, campaign],
    );
    return row!.settledCount;
  });
}

// A connection per question: the ledger may be restarted during a rehearsal, and that must not end it.
async function withLedger<T>(databaseUrl: string, ask: (connection: Connection) => Promise<T>): Promise<T> {
  let connection: Connection | undefined;
  try {
    connection = await createConnection({ uri: databaseUrl, connectTimeout: LEDGER_CONNECT_MS });
    return await ask(connection);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause);
    throw new CannotRun(`the ledger cannot be read (${reason}). Give --database-url or set DATABASE_URL`, cause);
  } finally {
    connection?.destroy();
  }
}
