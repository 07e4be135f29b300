// The first contact of a process with its database: what stands in the way is told in one line, with what to do about it.
import { Fault } from '../domain/fault.ts';
import { LEDGER_RIGHTS } from '../domain/ledger-rights.ts';
import type { Obstacle } from '../domain/obstacle.ts';
import { RefusedStart } from '../process/lifecycle.ts';

interface DriverError {
  errno?: number;
  code?: string;
  message?: string;
  sqlMessage?: string;
}

const lasting = (what: string, cure: string): Obstacle => ({ what, cure, lasting: true });
const passing = (what: string, cure: string): Obstacle => ({ what, cure, lasting: false });

const WRONG_LOGIN = lasting(
  'the database rejects the user or password, or accepts this user from other hosts only',
  'put the right user and password into DATABASE_URL, or CREATE USER for the host that this process connects from',
);
const NO_TLS_HERE = lasting(
  'the database accepts connections with TLS only',
  'add ?ssl={"rejectUnauthorized":true} to DATABASE_URL',
);
const CROWDED = passing(
  'the database has reached its limit of connections',
  'raise max_connections, or close other connections',
);

/** By the server's number of an error. `name` is the database of the address. */
function numbered(errno: number, { sqlMessage = '' }: DriverError, name: string): Obstacle | undefined {
  if ([1045, 1698].includes(errno)) return WRONG_LOGIN;
  if (errno === 1044) {
    return lasting(
      `the user in DATABASE_URL may not use the database ${name}`,
      `as an administrator: GRANT ${LEDGER_RIGHTS} ON ${name}.* TO this user`,
    );
  }
  if (errno === 1049)
    return lasting(
      `there is no database ${name}`,
      `CREATE DATABASE ${name}, or put another database into DATABASE_URL`,
    );
  if ([1142, 1143, 1227, 1370].includes(errno)) {
    // The rights alone: the rest of the server's sentence names users and hosts.
    const [, right = 'do that'] = /^([A-Z][A-Z ,]*) command denied/.exec(sqlMessage) ?? [];
    return lasting(
      `the user in DATABASE_URL may not ${right} in ${name}`,
      `as an administrator: GRANT ${LEDGER_RIGHTS} ON ${name}.* TO this user`,
    );
  }
  if ([1130, 1129].includes(errno))
    return lasting(
      'the database accepts no connections from this host',
      'CREATE USER for the host that this process connects from',
    );
  if ([1251, 2059, 1275].includes(errno))
    return lasting(
      'the user logs in with a plugin that Sluice does not support',
      'ALTER USER … IDENTIFIED BY a password',
    );
  if ([1820, 1862, 3118, 4151].includes(errno))
    return lasting(
      'the password of the user has expired, or the user is locked',
      'ALTER USER … IDENTIFIED BY …, or ACCOUNT UNLOCK',
    );
  if (errno === 3159) return NO_TLS_HERE;
  if ([1290, 1836, 1792, 3100].includes(errno))
    return lasting('the database is read-only', 'point DATABASE_URL at the primary');
  if ([1040, 1203, 1226].includes(errno)) return CROWDED;
  return undefined;
}

const PATTERNS: [RegExp, Obstacle][] = [
  [
    /ECONNREFUSED/,
    passing('no server listens at that address', 'check that the database runs, and that host and port are right'),
  ],
  [/ENOTFOUND|EAI_AGAIN/, passing('the host name cannot be resolved', 'check the host name')],
  [/EHOSTUNREACH|ENETUNREACH/, passing('the network has no route to that host', 'check the host and the network')],
  [/NO_SSL_SUPPORT|secure connection/, lasting('the database does not speak TLS', 'remove ssl from DATABASE_URL')],
  [
    /SSL_ERROR|SELF_SIGNED|UNABLE_TO_|CERT_|ERR_TLS|certificate/i,
    lasting(
      'the certificate of the database is not trusted, or does not name that host',
      'set NODE_EXTRA_CA_CERTS to the certificate of its authority, and use a host name that the certificate names',
    ),
  ],
  [
    /PROTOCOL_(?!CONNECTION_LOST)|HANDSHAKE|out of order|Malformed/i,
    lasting('the server at that address is neither MySQL nor MariaDB', 'check the host and port in DATABASE_URL'),
  ],
  [
    /ETIMEDOUT|came free in time|no answer within|CONNECTION_LOST|ECONNRESET|EPIPE|closed/,
    passing(
      'no MySQL or MariaDB answers at that address',
      'check that the database runs, and that host and port are right',
    ),
  ],
];

/** What a Fault of the ledger, or an error of mysql2, means for `url`; undefined when it says nothing about the way there. */
export function ledgerObstacle(error: unknown, url: string): Obstacle | undefined {
  const driver = ((error instanceof Fault ? error.cause : error) ?? {}) as DriverError;
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  const text = `${driver.code ?? ''} ${driver.message ?? ''}`;
  return numbered(driver.errno ?? 0, driver, name) ?? PATTERNS.find(([pattern]) => pattern.test(text))?.[1];
}

/** Host, port and database, nothing of who logs in. */
export function shownAddress(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || 3306}${decodeURIComponent(pathname)}`;
}

/**
 * Runs what a start asks of the ledger first. Throws one line: a RefusedStart for what lasts, and a retryable Fault for what
 * may pass; with `canWait` the latter is swallowed, for a process that waits for its ledger itself.
 */
export async function reachLedger(
  url: string,
  ask: () => Promise<unknown>,
  { canWait = false }: { canWait?: boolean } = {},
): Promise<void> {
  try {
    await ask();
  } catch (error) {
    const obstacle = ledgerObstacle(error, url);
    if (obstacle === undefined) throw error;
    const line = `DATABASE_URL, database at ${shownAddress(url)}: ${obstacle.what}. Do: ${obstacle.cure}`;
    if (obstacle.lasting) throw new RefusedStart(line);
    if (!canWait) throw new Fault('ledger-unavailable', line, { retryable: true });
  }
}
