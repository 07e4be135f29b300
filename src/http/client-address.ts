// From where a request comes: what joins are counted by beside the user. A header says it only where a trusted proxy
// wrote it; anybody can write X-Forwarded-For.
import type { IncomingMessage } from 'node:http';
import type { Context } from 'hono';
import { createPeers, lookedUpOnce, normalized, type Peer } from '../listener/peer-address.ts';
import type { Header } from './headers.ts';

/**
 * The address that a request is counted by: an IPv4 address, or the /64 of an IPv6 one, of which one household has all.
 * Undefined where it would be a crowd's: an address that no buyer on the internet has is a proxy's that nobody listed.
 */
export type AddressOf = (c: Context, header: Header) => string | undefined;

/** `trusted` are addresses and networks (10.0.0.0/8) of proxies that append to X-Forwarded-For. */
export function createAddressOf(trusted: readonly string[]): AddressOf {
  const { isProxy, countedAs, peerOf: lookUp } = createPeers(trusted);
  const peerOf = lookedUpOnce(lookUp);

  /** The rightmost hop that is no proxy of ours; each hop was written by the one to its right. */
  function forwardedFor(hops: string, peer: Peer): string | undefined {
    let counted = peer.counted;
    for (const hop of hops.split(/[,\n]/).toReversed()) {
      const address = normalized(withoutPort(hop.trim()));
      // A proxy that hides its client is as far as anybody can see.
      if (address === undefined) return counted;
      counted = countedAs(address);
      if (!isProxy(address)) return counted;
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

/** `1.2.3.4:567` and `[2001:db8::1]:567`, as some proxies write it. */
const withoutPort = (hop: string): string =>
  hop.match(/^\[([^\]]*)\](?::\d+)?$/)?.[1] ?? hop.match(/^([\d.]+):\d+$/)?.[1] ?? hop;
