// Writes the events of a stream straight to Node's answer: a web stream in between costs 10 kB for each client that waits.
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';

export interface TicketEvent {
  id: string;
  /** One line. */
  data: string;
  retryMs: number;
}

export interface EventWriter {
  /** Resolves once the client has taken enough to be sent more, its connection is gone, or `release` was called. */
  write: (event: TicketEvent) => Promise<void>;
  /** A line that every client skips; none while the client has not taken what was sent before. */
  comment: () => void;
  /** Ends a `write` that waits for a client that reads nothing. */
  release: () => void;
  end: () => void;
}

/** What a handler returns for an answer that it writes itself. */
export const WRITTEN = RESPONSE_ALREADY_SENT;

/** Sends the head of the answer. No `headers` may say how the body is transferred: Node chooses by the client's version. */
export function openEvents(c: Context, headers: Record<string, string>): EventWriter {
  const { outgoing } = c.env as HttpBindings;
  let wake: (() => void) | undefined;
  const release = () => wake?.();
  outgoing.writeHead(200, headers);
  outgoing.on('drain', release).on('close', release);
  return {
    async write({ id, data, retryMs }) {
      if (outgoing.destroyed || outgoing.write(`event: ticket\ndata: ${data}\nid: ${id}\nretry: ${retryMs}\n\n`))
        return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    },
    comment() {
      if (!outgoing.writableNeedDrain && !outgoing.destroyed) outgoing.write(':\n\n');
    },
    release,
    end: () => outgoing.end(),
  };
}
