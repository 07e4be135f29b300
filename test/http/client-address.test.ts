import type { IncomingMessage } from 'node:http';
import type { Context } from 'hono';
import { expect, test } from 'vitest';
import { createAddressOf } from '../../src/http/client-address.ts';

const TRUSTED = ['10.0.0.0/8', '203.0.113.7', '2001:db8:1::/48'];

/** By which address a request is counted that comes from `peer` with these headers. */
function counted(peer: string, forwarded: string | undefined, trusted = TRUSTED): string | undefined {
  const incoming = { socket: { remoteAddress: peer } } as IncomingMessage;
  const header = (name: string) => (name === 'x-forwarded-for' ? forwarded : undefined);
  return createAddressOf(trusted)({ env: { incoming } } as unknown as Context, header);
}

test.for<[string, string, string | undefined, string | undefined]>([
  ['a stranger is their own address', '8.8.8.8', undefined, '8.8.8.8'],
  ['a stranger who claims another address', '8.8.8.8', '1.1.1.1', '8.8.8.8'],
  ['a stranger who claims to be a proxy', '8.8.8.8', '10.0.0.1', '8.8.8.8'],
  ['a stranger in the coat of IPv6', '::ffff:8.8.8.8', '1.1.1.1', '8.8.8.8'],
  ['a stranger in the coat of IPv6, in hex', '::ffff:808:808', undefined, '8.8.8.8'],
  ['a household of IPv6 is one', '2600:1:2:3:aaaa::1', undefined, '2600:1:2:3::/64'],
  ['a household of IPv6, written out', '2600:0001:0002:0003:ffff:ffff:ffff:ffff', undefined, '2600:1:2:3::/64'],
  ['zeros in the middle', '2600::5', undefined, '2600:0:0:0::/64'],
  ['behind a proxy: the client', '10.0.0.1', '8.8.8.8', '8.8.8.8'],
  ['behind a proxy in the coat of IPv6', '::ffff:10.0.0.1', '8.8.8.8', '8.8.8.8'],
  ['behind a proxy of IPv6', '2001:db8:1:2::3', '8.8.8.8', '8.8.8.8'],
  ['what the client wrote itself is left of what the proxy wrote', '10.0.0.1', '1.1.1.1, 8.8.8.8', '8.8.8.8'],
  ['a made-up proxy left of the client', '10.0.0.1', '1.1.1.1, 10.0.0.9, 8.8.8.8', '8.8.8.8'],
  ['behind two proxies', '10.0.0.1', '1.1.1.1, 8.8.8.8, 203.0.113.7', '8.8.8.8'],
  ['behind two proxies, of which one is not ours', '10.0.0.1', '8.8.8.8, 203.0.113.8', '203.0.113.8'],
  ['in two headers', '10.0.0.1', '1.1.1.1\n8.8.8.8', '8.8.8.8'],
  ['in two headers, the proxies in the second', '10.0.0.1', '8.8.8.8\n10.2.3.4, 203.0.113.7', '8.8.8.8'],
  ['without spaces', '10.0.0.1', '1.1.1.1,8.8.8.8', '8.8.8.8'],
  ['with a port', '10.0.0.1', '8.8.8.8:4711', '8.8.8.8'],
  ['IPv6 with a port', '10.0.0.1', '[2600:1:2:3::4]:4711', '2600:1:2:3::/64'],
  ['IPv6 in brackets', '10.0.0.1', '[2600:1:2:3::4]', '2600:1:2:3::/64'],
  ['a client in the coat of IPv6', '10.0.0.1', '::ffff:8.8.8.8', '8.8.8.8'],
  ['a proxy that hides its client, from a private address', '10.0.0.1', 'unknown', undefined],
  ['a proxy that hides its client, from a public address', '203.0.113.7', 'unknown', '203.0.113.7'],
  ['a client made of nonsense stops at who wrote it', '10.0.0.1', '8.8.8.8, x, 203.0.113.7', '203.0.113.7'],
  ['an empty header', '203.0.113.7', '', '203.0.113.7'],
  ['a number that means an address elsewhere', '203.0.113.7', '134744072', '203.0.113.7'],
  ['octal', '203.0.113.7', '010.8.8.8', '203.0.113.7'],
  ['a zone', '10.0.0.1', 'fe80::1%eth0', undefined],
  ['nobody but proxies', '10.0.0.1', '10.0.0.5', undefined],
  ['a proxy that nobody listed is a crowd', '192.168.1.1', '8.8.8.8', undefined],
  ['this machine', '127.0.0.1', '8.8.8.8', undefined],
  ['this machine in IPv6', '::1', '8.8.8.8', undefined],
  ['a carrier’s inner network', '100.64.3.4', undefined, undefined],
  ['a socket that is gone', '', '8.8.8.8', undefined],
])('%s: from %s with %j is counted as %s', ([, peer, forwarded, expected]) => {
  expect(counted(peer, forwarded)).toBe(expected);
});

test('without trusted proxies the header means nothing, whoever sends it', () => {
  for (const peer of ['10.0.0.1', '8.8.8.8', '203.0.113.7', '2001:db8:1::1']) {
    expect(counted(peer, '1.1.1.1', [])).toBe(counted(peer, undefined, []));
  }
});

test('a header that is twenty times as long costs about twenty times as much, and not its square', () => {
  const costOf = (hops: number): number => {
    const from = performance.now();
    expect(counted('10.0.0.1', '10.0.0.2,'.repeat(hops))).toBeUndefined();
    return performance.now() - from;
  };
  let [short, long] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  // In turns, and the least of each: what else the machine does falls on both, and never makes one cheaper.
  for (let round = 0; round < 50; round += 1) {
    short = Math.min(short, costOf(90));
    long = Math.min(long, costOf(1_800));
  }
  expect(long / short).toBeLessThan(100);
});
