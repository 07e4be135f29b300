// Addresses of peers: which of them one client has, and which are proxies' that carry a crowd.
import { BlockList, isIP, type Socket } from 'node:net';

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

export interface Peer {
  isTrusted: boolean;
  /** What the peer's clients are counted by; undefined for an address that a crowd may share. */
  counted: string | undefined;
}

/** `trusted` are addresses and networks (10.0.0.0/8) of proxies. */
export function createPeers(trusted: readonly string[]) {
  const proxies = networks(trusted);
  const privates = networks(PRIVATE);
  const isIn = (list: BlockList, address: string) => list.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
  const isProxy = (address: string): boolean => isIn(proxies, address);
  const countedAs = (address: string) => (isIn(privates, address) ? undefined : clientOf(address));
  return {
    isProxy,
    countedAs,
    peerOf: (remoteAddress: string | undefined): Peer => {
      const address = normalized(remoteAddress ?? '');
      if (address === undefined) return { isTrusted: false, counted: undefined };
      return { isTrusted: isProxy(address), counted: countedAs(address) };
    },
  };
}

/** What `look` says of the address of a connection: a connection keeps it, and to look it up takes microseconds. */
export function lookedUpOnce<Found>(look: (remoteAddress: string | undefined) => Found): (socket: Socket) => Found {
  const known = new WeakMap<Socket, { found: Found }>();
  return (socket) => {
    const before = known.get(socket);
    if (before !== undefined) return before.found;
    const found = look(socket.remoteAddress);
    known.set(socket, { found });
    return found;
  };
}

/** What connections to the public port are counted by; undefined for those of a proxy or of a private address. */
export function publicConnectionsBy(
  trusted: readonly string[],
): (remoteAddress: string | undefined) => string | undefined {
  const { peerOf } = createPeers(trusted);
  return (remoteAddress) => {
    const { isTrusted, counted } = peerOf(remoteAddress);
    return isTrusted ? undefined : counted;
  };
}

/** The same for a listener of a private network, where no crowd is behind an address. */
export function privateConnectionsBy(remoteAddress: string | undefined): string | undefined {
  const address = normalized(remoteAddress ?? '');
  return address === undefined ? undefined : clientOf(address);
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
export function normalized(text: string): string | undefined {
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
