// Whether the client of a request is still there.
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';

export interface Connection {
  /** True once the answer has ended or its connection is gone, whether or not anybody was told. */
  isGone: () => boolean;
  /** Calls `listener` when the connection closes or the answer has ended. */
  onClose: (listener: () => void) => void;
}

/** Whether the client asked for the head of an answer alone. Hono is asked for the whole, see `listen`. */
export const isHead = (c: Context): boolean =>
  (c.env as Partial<HttpBindings> | undefined)?.incoming?.method === 'HEAD';

/** Node's own objects: `Request.signal` would make a request and two signals of the Fetch standard for each client. */
export function connectionOf(c: Context): Connection {
  const { incoming, outgoing } = c.env as HttpBindings;
  return {
    isGone: () => outgoing.destroyed || outgoing.writableEnded || incoming.socket.destroyed,
    onClose: (listener) => outgoing.once('close', listener),
  };
}
