import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSettings } from '../../src/rehearsal/settings.ts';
import { temporaryFolder } from '../helpers/own-names.ts';

const secretsOf = (argv: string[], env: Record<string, string>) => {
  const read = readSettings(argv, env);
  return read.kind === 'settings' ? [read.settings.adminToken, read.settings.databaseUrl] : read;
};

test('the command line goes before the environment, and the environment before the local service’s files', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'secrets.json'), JSON.stringify({ adminToken: 'file' }));
  await writeFile(join(folder, 'services.json'), JSON.stringify({ databaseUrl: 'mysql://file/x' }));
  const argv = ['--admin-token', 'argument', '--database-url', 'mysql://argument/x'];
  const env = { DATA_DIR: folder, ADMIN_TOKEN: 'env', DATABASE_URL: 'mysql://env/x' };
  expect(secretsOf(argv, env)).toEqual(['argument', 'mysql://argument/x']);
  expect(secretsOf([], env)).toEqual(['env', 'mysql://env/x']);
  expect(secretsOf([], { DATA_DIR: folder })).toEqual(['file', 'mysql://file/x']);
});

test('a token and a ledger that are nowhere to be found are both named, with what to do', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'secrets.json'), '{"adminTok');
  const run = () => readSettings([], { DATA_DIR: folder });
  expect(run).toThrow(/missing the admin token: give --admin-token .* missing the address of the ledger.*npm start/);
});
