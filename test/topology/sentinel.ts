// A primary with two replicas, and three Sentinels that watch it.
import { until } from '../helpers/until.ts';
import { infoOf, openServers, PASSWORD, SENTINEL_PASSWORD, type Server } from './servers.ts';

const NAME = 'sluice';

export interface TestSentinels extends AsyncDisposable {
  url: string;
  servers: Server[];
  sentinels: Server[];
  /** Who the Sentinels say is the primary. */
  primary(): Promise<Server>;
}

export async function startSentinels(): Promise<TestSentinels> {
  const opened = await openServers();
  try {
    const shared = {
      masterauth: JSON.stringify(PASSWORD),
      'maxmemory-policy': 'noeviction',
      appendonly: 'yes',
      appendfsync: 'always',
      'repl-diskless-sync-delay': 0,
    };
    const first = await opened.start(shared);
    const replica = { ...shared, replicaof: `127.0.0.1 ${first.port}` };
    const servers = [first, ...(await Promise.all([opened.start(replica), opened.start(replica)]))];
    await until('two replicas that have their copy', async () => {
      const { slave0 = '', slave1 = '' } = await infoOf(first, 'replication');
      return /state=online/.test(slave0) && /state=online/.test(slave1);
    });
    const sentinels = await Promise.all(
      [1, 2, 3].map(() =>
        opened.start(
          {
            'sentinel#1': `monitor ${NAME} 127.0.0.1 ${first.port} 2`,
            'sentinel#2': `auth-pass ${NAME} ${JSON.stringify(PASSWORD)}`,
            'sentinel#3': `down-after-milliseconds ${NAME} 2000`,
            'sentinel#4': `failover-timeout ${NAME} 5000`,
            'sentinel#5': `parallel-syncs ${NAME} 2`,
            'sentinel#6': `sentinel-pass ${SENTINEL_PASSWORD}`,
          },
          { sentinel: true, password: SENTINEL_PASSWORD },
        ),
      ),
    );
    await Promise.all(sentinels.map((sentinel) => until('Sentinels that know each other', () => isReady(sentinel))));
    const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
    return {
      url: `redis+sentinel://:${encodeURIComponent(PASSWORD)}@${hosts}/${NAME}/0?sentinelPassword=${SENTINEL_PASSWORD}`,
      servers,
      sentinels,
      async primary() {
        const [, port] = (await sentinels[0]!.client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)) as [
          string,
          string,
        ];
        return servers.find((server) => server.port === Number(port))!;
      },
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

async function isReady(sentinel: Server): Promise<boolean> {
  const reply = (await sentinel.client.call('SENTINEL', 'MASTER', NAME)) as string[];
  const field = (name: string) => reply[reply.indexOf(name) + 1];
  return field('flags') === 'master' && field('num-slaves') === '2' && field('num-other-sentinels') === '2';
}
