// Where Redis is, read from REDIS_URL:
//   redis://user:password@host:6379/0                              one server
//   redis+sentinel://user:password@host:26379,host/<name>/0        the primary that Sentinels call <name>;
//     ?sentinelUsername=…&sentinelPassword=…                       how to log in to the Sentinels themselves
//   redis+cluster://user:password@host:7000,host:7001              a Redis Cluster, of which some nodes are named
// `rediss` in place of `redis` speaks TLS, to the Sentinels as well.
import { Fault } from '../domain/fault.ts';

export interface HostPort {
  host: string;
  port: number;
}

interface Credentials {
  username?: string;
  password?: string;
}

interface Shared {
  tls: boolean;
  /** Of the servers that hold data. */
  credentials: Credentials;
}

export type RedisAddress = Shared &
  (
    | { kind: 'single'; at: HostPort; db: number }
    | { kind: 'sentinel'; sentinels: HostPort[]; primary: string; db: number; sentinelCredentials: Credentials }
    | { kind: 'cluster'; nodes: HostPort[] }
  );

const FORM = /^redis(?<tls>s?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<user>[^@]*)@)?(?<hosts>[^/?#@]*)(?<rest>.*)$/;
const HOST = /^(?<host>\[[\da-f:.]+\]|[^:\s]+)(?::(?<port>\d{1,5}))?$/i;
const SENTINEL_PORT = 26_379;
const REDIS_PORT = 6_379;

/** Throws an `invalid` Fault that says which form is taken; nothing of the URL, which holds a password, is in it. */
export function parseAddress(url: string): RedisAddress {
  const { tls, kind = 'single', user, hosts = '', rest = '' } = FORM.exec(url)?.groups ?? refuse('redis://host:port');
  const shared = { tls: tls === 's', credentials: credentialsOf(user) };
  const { pathname, searchParams } = new URL(rest, 'redis://any');
  const path = pathname.split('/').slice(1).map(decodeURIComponent);
  if (kind === 'cluster') return { ...shared, kind, nodes: hostsOf(hosts, REDIS_PORT) };
  if (kind === 'sentinel') {
    const [primary = '', db] = path;
    if (primary === '') return refuse('redis+sentinel://host:port,host:port/<name of the primary>');
    const [username, password] = [searchParams.get('sentinelUsername'), searchParams.get('sentinelPassword')];
    const sentinelCredentials = { ...(username && { username }), ...(password && { password }) };
    const sentinels = hostsOf(hosts, SENTINEL_PORT);
    return { ...shared, kind, sentinels, primary, db: databaseOf(db), sentinelCredentials };
  }
  const [at, ...others] = hostsOf(hosts === '' ? 'localhost' : hosts, REDIS_PORT);
  if (others.length > 0) return refuse('redis+cluster:// or redis+sentinel:// when there is more than one host');
  return { ...shared, kind: 'single', at: at!, db: databaseOf(path[0]) };
}

function credentialsOf(user: string | undefined): Credentials {
  if (user === undefined) return {};
  const colon = user.indexOf(':');
  const [username, password] = colon < 0 ? [user, ''] : [user.slice(0, colon), user.slice(colon + 1)];
  return {
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
  };
}

function hostsOf(list: string, preset: number): HostPort[] {
  return list.split(',').map((text) => {
    const { host, port = preset } = HOST.exec(text)?.groups ?? refuse('host:port,host:port');
    if (Number(port) > 65_535) return refuse('a port up to 65535');
    return { host: host!.replace(/^\[|\]$/g, ''), port: Number(port) };
  });
}

function databaseOf(text = ''): number {
  return /^\d{0,5}$/.test(text) ? Number(text) : refuse('a number as the database');
}

function refuse(form: string): never {
  throw new Fault('invalid', `a Redis URL takes ${form}`);
}
