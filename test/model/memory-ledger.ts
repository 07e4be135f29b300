// A ledger in memory: the same code and the same statements as on MariaDB, run by SQLite, with the same keys and checks.
// `ledger-contract.test.ts` holds it to what the real one answers.
//
// Transactions: what one reads before its first lock is read as it stands committed, and may be overtaken (READ
// COMMITTED). From its first write, or first locked row, to its end it is one effect: on the real ledger nobody sees
// anything of it earlier, and whoever wants a row of it waits. Two that write different rows at once are not told apart
// from two that write one after the other.
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { Fault } from '../../src/domain/fault.ts';
import { kyselyOver, type SessionSource } from '../../src/ledger/dialect.ts';
import { statementFault } from '../../src/ledger/errors.ts';
import { ledger as firstTables } from '../../src/ledger/migrations/0001-ledger.ts';
import { epochs } from '../../src/ledger/migrations/0002-epochs.ts';
import { cancellations } from '../../src/ledger/migrations/0003-cancellations.ts';
import { cancelledTags } from '../../src/ledger/migrations/0005-cancelled-tags.ts';
import { campaignEnds } from '../../src/ledger/migrations/0007-campaign-ends.ts';
import { letterSpans } from '../../src/ledger/migrations/0009-letter-spans.ts';
import { lettersKept } from '../../src/ledger/migrations/0010-letters-kept.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import type { Answer, Session } from '../../src/ledger/session.ts';
import { inTransaction, withSession } from '../../src/ledger/transaction.ts';
import { locks, spell, writes } from './sql-dialect.ts';
import type { Actor } from './time.ts';
import type { World } from './world.ts';

type Rows = Record<string, unknown>[];

/** Every row of every table: a backup, and what a checker reads. */
export type Contents = Map<string, Rows>;

const numberOf: [pattern: RegExp, errno: number][] = [
  [/^UNIQUE constraint|^PRIMARY KEY/, 1062],
  [/^FOREIGN KEY/, 1452],
  [/^CHECK constraint/, 4025],
  [/^NOT NULL/, 1048],
];

/** As mysql2 would throw it. */
function driverError(error: unknown): unknown {
  const message = (error as Error).message;
  const errno = numberOf.find(([pattern]) => pattern.test(message))?.[1];
  if (errno === undefined) throw error;
  return Object.assign(new Error(message), { errno, sqlState: '23000', sqlMessage: message });
}

const NOTHING: Answer = { rows: [], matchedCount: 0, insertId: 0 };

/** What its client hears when the answer is lost, and when nobody listens. */
const ERRORS = {
  lost: () => statementFault(new Error('the model lost the answer')),
  refused: () => statementFault(Object.assign(new Error('the model refuses'), { errno: 1040, sqlState: '08004' })),
};

/** A session whose transaction has begun to lock. */
interface Holder {
  actor: Actor | undefined;
}

export class MemoryLedger {
  private readonly db = new DatabaseSync(':memory:');
  private readonly prepared = new Map<string, StatementSync>();
  private tables: string[] = [];
  /** Whose transaction holds locks; what others want of the ledger waits for its end. */
  private holder: Holder | undefined;
  nowMs: () => number = () => 0;
  /** Users whose issuances it refuses, as a trigger of its owner's might. */
  readonly refusedUsers = new Set<string>();

  async open(): Promise<this> {
    this.db.function('now_ms', () => this.nowMs());
    this.db.exec('pragma foreign_keys = on');
    const source: SessionSource = { acquire: async () => this.session(undefined), release: () => undefined };
    for (const migration of [firstTables, epochs, cancellations, cancelledTags, campaignEnds, letterSpans, lettersKept])
      await migration.up(kyselyOver(source) as never);
    const all = this.db.prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'");
    this.tables = all.all().map(({ name }) => String(name));
    return this;
  }

  contents(): Contents {
    return new Map(this.tables.map((table) => [table, this.query(`select * from ${table} order by 1, 2, 3`, []).rows]));
  }

  /** Every row as it was; undefined for none at all. */
  restore(contents: Contents | undefined): void {
    if (contents === undefined) this.refusedUsers.clear();
    this.db.exec('pragma foreign_keys = off');
    this.db.exec('delete from sqlite_sequence');
    for (const table of this.tables) {
      this.db.exec(`delete from ${table}`);
      for (const row of contents?.get(table) ?? []) {
        const names = Object.keys(row).map((name) => `\`${name}\``);
        this.query(
          `insert into ${table} (${names.join()}) values (${names.map(() => '?').join()})`,
          Object.values(row),
        );
      }
    }
    this.db.exec('pragma foreign_keys = on');
  }

  query(sql: string, params: readonly unknown[]): Answer {
    let answer = NOTHING;
    if (/information_schema/.test(sql)) return answer;
    for (const text of spell(sql)) {
      const statement = this.prepared.get(text) ?? this.db.prepare(text);
      if (!/^(create|alter)/i.test(text)) this.prepared.set(text, statement);
      answer = run(statement, params.map(toSqlite));
    }
    return answer;
  }

  /** The ledger as one process reaches it. */
  reach(world: World, actor: Actor, name: string): Ledger {
    const source: SessionSource = { acquire: async () => this.session({ world, actor }), release: () => undefined };
    return {
      name,
      connectionMax: 8,
      tellsOutbox: false,
      db: kyselyOver(source),
      transaction: (work) => inTransaction(source, work),
      onOneConnection: (work) => withSession(source, work),
      run: async (sql, params) => (await source.acquire()).send(sql, params),
      usage: () => ({ inUseCount: 0, waitingCount: 0 }),
      close: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  private session(reached: { world: World; actor: Actor } | undefined): Session {
    const me: Holder = { actor: reached?.actor };
    let inTransaction = false;
    const asked = async (sql: string, params: readonly unknown[]): Promise<Answer> => {
      if (sql === 'START TRANSACTION') inTransaction = true;
      if (sql === 'ROLLBACK') this.end(me, sql);
      if (sql === 'COMMIT') {
        this.end(me, sql);
        // It is done by now; whether its answer arrives is another matter.
        if (reached !== undefined)
          await reached.world.step(reached.actor, { ...ERRORS, what: 'commit', effect: () => undefined });
      }
      if (/^(START TRANSACTION|COMMIT|ROLLBACK)$/.test(sql)) return NOTHING;
      if (this.holder === me || reached === undefined) return this.attempt(sql, params);
      return reached.world.step(reached.actor, {
        ...ERRORS,
        what: nameOf(sql),
        isBlocked: () => this.isHeld(),
        effect: () => {
          if (!inTransaction || !(writes(sql) || locks(sql))) return this.attempt(sql, params);
          this.begin(me);
          const answer = this.attempt(sql, params);
          // A lock on a row that is not there locks nothing.
          if (locks(sql) && answer.rows.length === 0) this.end(me, 'COMMIT');
          return answer;
        },
      });
    };
    const session = {
      failure: undefined as Session['failure'],
      doomed: false,
      destroy: () => this.end(me, 'ROLLBACK'),
      send: (sql: string, params: readonly unknown[]): Promise<Answer> =>
        asked(sql, params).catch((error: unknown) => {
          const fault = error instanceof Fault ? error : statementFault(error);
          session.failure ??= fault;
          throw fault;
        }),
    };
    return session;
  }

  /** Whether somebody's transaction holds locks; one whose process has died is rolled back by the server. */
  isHeld(): boolean {
    if (this.holder?.actor?.alive === false) this.end(this.holder, 'ROLLBACK');
    return this.holder !== undefined;
  }

  private attempt(sql: string, params: readonly unknown[]): Answer {
    const isRefused =
      /^insert into `?issuances/i.test(sql) && params.some((value) => this.refusedUsers.has(String(value)));
    if (isRefused) throw Object.assign(new Error('refused'), { errno: 1644, sqlState: '45000', sqlMessage: 'refused' });
    try {
      return this.query(sql, params);
    } catch (error) {
      throw driverError(error);
    }
  }

  private begin(me: Holder): void {
    this.holder = me;
    this.db.exec('begin');
  }

  private end(me: Holder, how: 'COMMIT' | 'ROLLBACK'): void {
    if (this.holder !== me) return;
    this.db.exec(how);
    this.holder = undefined;
  }
}

function run(statement: StatementSync, params: SQLInputValue[]): Answer {
  const columns = statement.columns();
  if (columns.length === 0) {
    const { changes, lastInsertRowid } = statement.run(...params);
    return { rows: [], matchedCount: Number(changes), insertId: Number(lastInsertRowid) };
  }
  const times = columns.filter(({ type }) => type?.startsWith('datetime')).map(({ name }) => name);
  const rows = statement.all(...params) as Rows;
  for (const row of rows) for (const name of times) if (row[name] != null) row[name] = new Date(Number(row[name]));
  return { rows, matchedCount: 0, insertId: 0 };
}

const toSqlite = (value: unknown): SQLInputValue => {
  if (value instanceof Date) return value.getTime();
  return (typeof value === 'boolean' ? Number(value) : (value ?? null)) as SQLInputValue;
};

/** `insert issuances`: what a trace says of a statement. */
function nameOf(sql: string): string {
  const [, verb = 'run'] = /^\s*(\w+)/.exec(sql) ?? [];
  const [, table = ''] = /\b(?:from|into|update)\s+`?(\w+)`?/i.exec(sql) ?? [];
  return `${verb.toLowerCase()} ${table}${locks(sql) ? ' for update' : ''}`.trim();
}
