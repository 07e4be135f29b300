// How many connections the database has open, of all accounts, and how many it allows.
import type { ConnectionUse } from '../domain/connection-use.ts';
import type { Ledger } from './pool.ts';

/** Undefined where the database does not say it. Throws a Fault. */
export async function readConnectionUse(ledger: Ledger): Promise<ConnectionUse | undefined> {
  const open = await readConnected(ledger);
  const { rows } = await ledger.run('SELECT @@GLOBAL.max_connections AS max', []);
  return open === undefined ? undefined : { open, max: Number(rows[0]!.max) };
}

/** Connections that are open; undefined where the database does not say it. Throws a Fault. */
export async function readConnected(ledger: Ledger): Promise<number | undefined> {
  const { rows } = await ledger.run("SHOW GLOBAL STATUS LIKE 'Threads_connected'", []);
  return rows[0] === undefined ? undefined : Number(rows[0].Value);
}
