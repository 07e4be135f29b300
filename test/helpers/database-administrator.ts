// A user of a local database server with all rights, for tests that make databases and users: the account of Sluice itself
// may only work in its own database.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createConnection } from 'mysql2/promise';

const NAME = 'tests';

/** The URL of `databaseUrl` for that user, who is made by the server's root, through the socket of its data folder. */
export async function asAdministrator(dataDir: string, databaseUrl: string): Promise<string> {
  const url = new URL(databaseUrl);
  const near = resolve(join(dataDir, 'database.sock'));
  const socketPath = existsSync(near) ? near : join(tmpdir(), `sluice-${url.port}.sock`);
  const root = await createConnection({ socketPath, user: 'root', password: url.password });
  const user = `'${NAME}'@'127.0.0.1'`;
  await root.query(`CREATE USER IF NOT EXISTS ${user} IDENTIFIED BY '${url.password}'`);
  await root.query(`GRANT ALL PRIVILEGES ON *.* TO ${user} WITH GRANT OPTION`);
  await root.end();
  return Object.assign(url, { username: NAME }).href;
}
