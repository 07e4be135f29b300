// What a rehearsal needs to know, from the command line, then the environment, then what the local service wrote.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fieldsOf } from './answers.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import { CannotRun } from './cannot-run.ts';
import { type BuyerIdentity, bareIdentity, gatewayIdentity, linesOf, tokenIdentity } from './identity.ts';

export type Environment = Record<string, string | undefined>;

export interface Settings extends Arguments {
  url: string;
  adminUrl: string;
  identity: BuyerIdentity;
  adminToken: string;
  databaseUrl: string;
}

export type ReadSettings =
  | Exclude<ReturnType<typeof parseArguments>, { kind: 'arguments' }>
  | { kind: 'settings'; settings: Settings };

/**
 * `wrong` is what is wrong with the environment, told together with the arguments. Throws {@link CannotRun} when the admin
 * token or the ledger's address is nowhere to be found, and for tokens that are no crowd.
 */
export function readSettings(argv: string[], env: Environment, wrong: readonly string[] = []): ReadSettings {
  const parsed = parseArguments(argv);
  if (parsed.kind === 'help') return parsed;
  const problems = [...wrong, ...(parsed.kind === 'problems' ? parsed.problems : [])];
  if (parsed.kind === 'problems' || problems.length > 0) return { kind: 'problems', problems };
  const given = parsed.arguments;
  const dataDir = env.DATA_DIR || '.data';
  const adminToken = knownAdminToken(given.adminToken, env);
  const databaseUrl = given.databaseUrl || env.DATABASE_URL || fromFile(join(dataDir, 'services.json'), 'databaseUrl');
  const missing = [
    ...(adminToken ? [] : ['the admin token: give --admin-token or set ADMIN_TOKEN']),
    ...(databaseUrl ? [] : ['the address of the ledger: give --database-url or set DATABASE_URL']),
  ];
  if (!adminToken || !databaseUrl) {
    const where = `${dataDir} does not hold it either; a local service (npm start) writes it there`;
    throw new CannotRun(`missing ${missing.join('; missing ')} (${where})`);
  }
  const url = given.url ?? env.PUBLIC_URL ?? 'http://127.0.0.1:8080';
  const adminUrl = given.adminUrl ?? env.ADMIN_URL ?? 'http://127.0.0.1:8081';
  const identity = identityOf(given, env);
  return { kind: 'settings', settings: { ...given, url, adminUrl, adminToken, databaseUrl, identity } };
}

/** As given, else of the environment, else of a local service on this machine. Throws {@link CannotRun} without one. */
export function adminTokenOf(given: string | undefined, env: Environment): string {
  const token = knownAdminToken(given, env);
  if (token) return token;
  throw new CannotRun('missing the admin token: give --admin-token or set ADMIN_TOKEN');
}

const knownAdminToken = (given: string | undefined, env: Environment): string | undefined =>
  given || env.ADMIN_TOKEN || fromFile(join(env.DATA_DIR || '.data', 'secrets.json'), 'adminToken');

function identityOf({ gatewaySecretFile, tokensFile, buyers }: Arguments, env: Environment): BuyerIdentity {
  if (tokensFile !== undefined) return tokenIdentity(linesOf(tokensFile), buyers, env.JWT_USER_CLAIM ?? 'sub');
  const secret = gatewaySecretFile === undefined ? env.GATEWAY_SECRET : linesOf(gatewaySecretFile)[0]?.split(',')[0];
  if (gatewaySecretFile !== undefined && secret === undefined) throw new CannotRun(`${gatewaySecretFile} is empty`);
  return secret === undefined ? bareIdentity : gatewayIdentity(secret);
}

function fromFile(path: string, key: string): string | undefined {
  try {
    const value = fieldsOf(JSON.parse(readFileSync(path, 'utf8')))[key];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined; // Absent or half-written: the caller says what is missing.
  }
}
