// What a rehearsal needs to know, from the command line, then the environment, then what the local service wrote.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fieldsOf } from './answers.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import { CannotRun } from './cannot-run.ts';

export type Environment = Record<string, string | undefined>;

export interface Settings extends Arguments {
  adminToken: string;
  databaseUrl: string;
}

export type ReadSettings =
  | Exclude<ReturnType<typeof parseArguments>, { kind: 'arguments' }>
  | { kind: 'settings'; settings: Settings };

/**
 * `wrong` is what is wrong with the environment, told together with the arguments. Throws {@link CannotRun} when the admin
 * token or the ledger's address is nowhere to be found.
 */
export function readSettings(argv: string[], env: Environment, wrong: readonly string[] = []): ReadSettings {
  const parsed = parseArguments(argv);
  if (parsed.kind === 'help') return parsed;
  const problems = [...wrong, ...(parsed.kind === 'problems' ? parsed.problems : [])];
  if (parsed.kind === 'problems' || problems.length > 0) return { kind: 'problems', problems };
  const given = parsed.arguments;
  const dataDir = env.DATA_DIR || '.data';
  const adminToken = given.adminToken || env.ADMIN_TOKEN || fromFile(join(dataDir, 'secrets.json'), 'adminToken');
  const databaseUrl = given.databaseUrl || env.DATABASE_URL || fromFile(join(dataDir, 'services.json'), 'databaseUrl');
  const missing = [
    ...(adminToken ? [] : ['the admin token: give --admin-token or set ADMIN_TOKEN']),
    ...(databaseUrl ? [] : ['the address of the ledger: give --database-url or set DATABASE_URL']),
  ];
  if (!adminToken || !databaseUrl) {
    const where = `${dataDir} does not tell it either; a local service (npm start) writes it there`;
    throw new CannotRun(`missing ${missing.join('; missing ')} (${where})`);
  }
  return { kind: 'settings', settings: { ...given, adminToken, databaseUrl } };
}

function fromFile(path: string, key: string): string | undefined {
  try {
    const value = fieldsOf(JSON.parse(readFileSync(path, 'utf8')))[key];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined; // Absent or half-written: the caller says what is missing.
  }
}
