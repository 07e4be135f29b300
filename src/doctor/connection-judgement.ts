// Whether a store lets in the connections that this process and those it starts need. Pure.
import { limits } from '../process/limits.ts';
import { broken, type Fact, type Fields, type Finding, judged, ok, unknown, warning } from './finding.ts';

export interface Room {
  /** Connections that the store allows at once. */
  allowed: number;
  /** Those that are open just now; why that is not known otherwise. */
  open: Fact<number>;
  /** Connections that this process, and those it starts, may open. */
  wanted: number;
}

/** How a store is spoken of. */
interface Words {
  check: string;
  server: string;
  remedy: string;
}

const REDIS: Words = {
  check: 'redis-connections',
  server: 'Redis',
  remedy: 'raise maxclients of Redis (and its limit of open files), close other clients, or run fewer processes',
};
const LEDGER: Words = {
  check: 'ledger-connections',
  server: 'the database',
  remedy: 'raise max_connections, close other clients, or lower WORKERS or WORKER_CONNECTIONS',
};

/** By `maxclients` and `connected_clients` of INFO, which is one answer of one server. */
export function judgeRedisConnections(info: Fact<Fields>, wanted: number): Finding {
  return judged(REDIS.check, info, ({ maxclients, connected_clients: connected }) => {
    if (maxclients === undefined || connected === undefined)
      return unknown(REDIS.check, `INFO does not say maxclients and connected_clients; this process needs ${wanted}`);
    return judgeRoom(REDIS, { allowed: Number(maxclients), open: { told: Number(connected) }, wanted });
  });
}

/** By the variables, and by `Threads_connected`. A limit of the account counts the connections of the account alone. */
export function judgeLedgerConnections(variables: Fields, open: Fact<number>, wanted: number): Finding {
  const { max_connections: ofServer = '0', max_user_connections: ofUser = '0' } = variables;
  const user = Number(ofUser) > 0 ? Number(ofUser) : Number.POSITIVE_INFINITY;
  if (user < Number(ofServer)) {
    const untold = 'the database limits this account, and does not say how many connections the account has';
    return judgeRoom(LEDGER, { allowed: user, open: { untold }, wanted });
  }
  return judgeRoom(LEDGER, { allowed: Number(ofServer), open, wanted });
}

function judgeRoom({ check, server, remedy }: Words, { allowed, open, wanted }: Room): Finding {
  const use = 'told' in open ? `${open.told} are open` : `how many are open is unknown (${open.untold})`;
  const found = `this process may open ${wanted}, ${server} allows ${allowed}, ${use}`;
  const left = 'told' in open ? allowed - open.told : allowed;
  if (left <= 0) {
    const means = `${server} refuses new connections: a worker that starts or connects again issues no ticket`;
    return broken(check, { found, means, remedy });
  }
  if (wanted > left) {
    const means = `${server} has room for ${left} more: a second process like this one, or its restart beside the old one, is refused some of its connections`;
    return warning(check, { found, means, remedy });
  }
  if (wanted <= allowed * limits.connectionShareMax) return ok(check, found);
  const means = `with a second process like this one ${server} refuses connections, and tickets wait`;
  return warning(check, { found, means, remedy });
}
