// From where a request comes: what joins are counted by beside the user. A header says it only where a trusted proxy
// wrote it; anybody can write X-Forwarded-For.
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { Context } from 'hono';
import type { Header } from './headers.ts';

/**
 * The address that a request is counted by: an IPv4 address, or the /64 of an IPv6 one, of which one household has all.
 * Undefined where it would be a crowd's: an address that no buyer on the internet has is a proxy's that nobody listed.
 */
export type AddressOf = (c: Context, header: Header) => string | undefined;

/** RFC 6890: this machine, private networks, carriers' inner networks, link-local. */
const PRIVATE = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::/127',
  'fc00::/7',
  'fe80::/10',
];

interface Peer {
  isTrusted: boolean;
  counted: string | undefined;
}

/** `trusted` are addresses and networks (10.0.0.0/8) of proxies that append to X-Forwarded-For. */
export function createAddressOf(trusted: readonly string[]): AddressOf {
  const proxies = networks(trusted);
  const privates = networks(PRIVATE);
  const isIn = (list: BlockList, address: string) => list.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
  const countedAs = (address: string) => (isIn(privates, address) ? undefined : clientOf(address));
  // A connection's peer stays the same: what it is, is looked up once.
  const peers = new WeakMap<object, Peer>();

  function peerOf(socket: IncomingMessage['socket']): Peer {
    const known = peers.get(socket);
    if (known !== undefined) return known;
    const address = normalized(socket.remoteAddress ?? '');
    const isTrusted = address !== undefined && isIn(proxies, address);
    const peer = { isTrusted, counted: address === undefined ? undefined : countedAs(address) };
    peers.set(socket, peer);
    return peer;
  }

  /** The rightmost hop that is no proxy of ours; each hop was written by the one to its right. */
  function forwardedFor(hops: string, peer: Peer): string | undefined {
    let counted = peer.counted;
    for (const hop of hops.split(/[,\n]/).toReversed()) {
      const address = normalized(withoutPort(hop.trim()));
      // A proxy that hides its client is as far as anybody can see.
      if (address === undefined) return counted;
      counted = countedAs(address);
      if (!isIn(proxies, address)) return counted;
    }
    return counted;
  }

  return (c, header) => {
    const incoming = (c.env as { incoming?: IncomingMessage } | undefined)?.incoming;
    if (incoming === undefined) return undefined;
    const peer = peerOf(incoming.socket);
    const hops = peer.isTrusted ? header('x-forwarded-for') : undefined;
    return hops === undefined ? peer.counted : forwardedFor(hops, peer);
  };
}

function networks(list: readonly string[]): BlockList {
  const found = new BlockList();
  for (const network of list) {
    const [address, prefix] = network.split('/') as [string, string?];
    const family = address.includes(':') ? 'ipv6' : 'ipv4';
    if (prefix === undefined) found.addAddress(address, family);
    else found.addSubnet(address, Number(prefix), family);
  }
  return found;
}

/** IPv4 in the coat of IPv6 is IPv4, whoever spells it; undefined for what is no address. */
function normalized(text: string): string | undefined {
  const address = text.includes('%') ? text.slice(0, text.indexOf('%')) : text;
  const version = isIP(address);
  if (version === 0) return undefined;
  if (version === 4) return address;
  const groups = groupsOf(address);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return isMapped
    ? groups
        .slice(6)
        .flatMap((group) => [group >> 8, group & 255])
        .join('.')
    : address;
}

const clientOf = (address: string): string =>
  address.includes(':')
    ? `${groupsOf(address)
        .slice(0, 4)
        .map((group) => group.toString(16))
        .join(':')}::/64`
    : address;

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const dotted = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    return `${((Number(a) << 8) | Number(b)).toString(16)}:${((Number(c) << 8) | Number(d)).toString(16)}`;
  });
  const [head = '', tail] = dotted.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const [front, back] = [head || [], tail ?? []];
  const zeros = Array<string>(8 - front.length - back.length).fill('0');
  return [...front, ...zeros, ...back].map((group) => Number.parseInt(group, 16));
}

/** `1.2.3.4:567` and `[2001:db8::1]:567`, as some proxies write it. */
const withoutPort = (hop: string): string =>
  hop.match(/^\[([^\]]*)\](?::\d+)?$/)?.[1] ?? hop.match(/^([\d.]+):\d+$/)?.[1] ?? hop;
