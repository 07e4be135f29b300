import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { adminSlowReading, publicConnectionsBound, publicSlowReading } from '../../src/listener/connection-bounds.ts';
import { openServer } from '../../src/listener/open-server.ts';
import { until } from '../helpers/until.ts';

const WITHIN_MS = 60_000;

test.for([
  ['203.0.113.7', '203.0.113.7', 'a buyer'],
  ['::ffff:203.0.113.7', '203.0.113.7', 'the same, in the coat of IPv6'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', 'a household of IPv6'],
  ['198.51.100.4', undefined, 'a proxy that is listed'],
  ['10.1.2.3', undefined, 'a private address, a proxy that nobody listed'],
  ['127.0.0.1', undefined, 'this machine'],
  [undefined, undefined, 'a connection that is gone'],
] as const)('connections of %s to the public port are counted by %s: %s', ([address, expected]) => {
  const bound = publicConnectionsBound({ connectionsPerAddress: 5, trustedProxies: ['198.51.100.0/24'] });
  expect(bound!.countedBy(address)).toBe(expected);
});

test('with 0 there is no bound', () => {
  expect(publicConnectionsBound({ connectionsPerAddress: 0, trustedProxies: [] })).toBeUndefined();
});

test.for([
  [5, 5, '203.0.113.7', '203.0.113.7'],
  [5, 5, '198.51.100.4', undefined],
  [5, 5, '10.1.2.3', undefined],
  [0, 5, '203.0.113.7', undefined],
  [5, 0, '203.0.113.7', undefined],
] as const)(
  'with %i connections and %i joins per address, what %s sends is read slowly by %s',
  ([connectionsPerAddress, joinsPerAddressPerSecond, address, expected]) => {
    const trustedProxies = ['198.51.100.0/24'];
    const reading = publicSlowReading({ connectionsPerAddress, joinsPerAddressPerSecond, trustedProxies });
    expect(reading?.countedBy(address)).toBe(expected);
  },
);

test('the admin port reads no proxy slowly, listed or private: an operator may be behind it', () => {
  const { countedBy } = adminSlowReading(['198.51.100.0/24'], () => undefined);
  expect(['203.0.113.7', '198.51.100.4', '10.1.2.3'].map(countedBy)).toEqual(['203.0.113.7', undefined, undefined]);
});

test('an address has its bound of connections, gets the place of one that ends, and another address has its own', async (t) => {
  let refusedCount = 0;
  const server = await openServer((_request, response) => response.end(), {
    host: '127.0.0.1',
    port: 0,
    perAddress: {
      max: 3,
      countedBy: (address) => address,
      onRefused: () => {
        refusedCount += 1;
      },
    },
  });
  t.onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const open = new Set<Socket>();
  const opened = async (localAddress: string): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    t.onTestFinished(() => void socket.destroy());
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()));
    return socket;
  };
  const first = await opened('127.0.0.2');
  for (let i = 0; i < 4; i += 1) await opened('127.0.0.2');
  await until('two are closed', WITHIN_MS, () => refusedCount === 2 && open.size === 3);
  for (let i = 0; i < 3; i += 1) await opened('127.0.0.3');
  first.destroy();
  await until('its place is free', WITHIN_MS, async () => {
    const socket = await opened('127.0.0.2');
    await new Promise<void>((resolve) => {
      socket.once('data', () => resolve()).once('close', () => resolve());
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    });
    return !socket.destroyed;
  });
  expect(open.size).toBe(6);
});
