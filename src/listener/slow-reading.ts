// A client that is refused again and again is read slowly: its next requests wait on its own side of the connection, where
// they cost a front nothing. A refusal costs hardly less than any other answer.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { limits } from '../process/limits.ts';
import { lookedUpOnce } from './peer-address.ts';

export interface SlowReadingOptions {
  /** What a connection is counted by; undefined for a crowd's, as a proxy's, which is never read slowly. */
  countedBy: (remoteAddress: string | undefined) => string | undefined;
  /** Called each time when a connection is not read for a while. */
  onSlowed?: () => void;
  /** How long it is not read. */
  slowReadMs?: number;
  /** Ms of a clock that nobody sets. */
  now?: () => number;
}

export interface SlowReading {
  /**
   * Hears of a request that was sent ahead of an answer; true when its connection has to be closed, because its address has
   * been refused too often.
   */
  sentAhead: (socket: Socket) => boolean;
  /** Counts a refusal; a connection of a slow address is not read for a while after `response`. */
  refused: (response: ServerResponse<IncomingMessage>) => void;
}

/** Addresses that are counted at a time, 200 bytes each; beyond that the counts of all start again. */
const ADDRESSES_MAX = 10_000;

export function createSlowReading(options: SlowReadingOptions): SlowReading {
  const { countedBy, slowReadMs = limits.slowReadMs, now = () => performance.now() } = options;
  const windowMs = limits.clientWindowSeconds * 1_000;
  const counts = new Map<string, number>();
  /** Slow addresses that send ahead. To read what they sent unread, only to close the connection, costs as much as answers. */
  const hasty = new Set<string>();
  let windowEndsAt = Number.NEGATIVE_INFINITY;
  const addressOf = lookedUpOnce(countedBy);

  function countOf(address: string): number {
    if (now() >= windowEndsAt) {
      counts.clear();
      hasty.clear();
      windowEndsAt = now() + windowMs;
    }
    return counts.get(address) ?? 0;
  }

  const isOver = (count: number): boolean => count > limits.refusalsPerAddress;

  function pauseReading(socket: Socket, address: string): void {
    if (socket.destroyed) return;
    socket.pause();
    setTimeout(() => (hasty.has(address) ? socket.destroy() : socket.resume()), slowReadMs).unref();
    options.onSlowed?.();
  }

  return {
    sentAhead(socket) {
      const address = addressOf(socket);
      if (address === undefined || !isOver(countOf(address))) return false;
      hasty.add(address);
      return true;
    },
    refused(response) {
      const { socket } = response.req;
      const address = addressOf(socket);
      if (address === undefined) return;
      const count = countOf(address) + 1;
      if (counts.size >= ADDRESSES_MAX) counts.clear();
      counts.set(address, count);
      // Not before: Node starts to read again when a request has arrived whole, or what is left of its body is dropped.
      if (isOver(count)) response.once('close', () => pauseReading(socket, address));
    },
  };
}
