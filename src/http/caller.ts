// Who a request comes from, as every source of identity says it.
import type { SpanClock } from '../domain/clock.ts';
import type { Header } from './headers.ts';

/** `challenge` is what the answer says in WWW-Authenticate, where there is a scheme to name. */
export type Identity =
  | { kind: 'user'; user: string }
  | { kind: 'nobody' | 'invalid'; detail: string; challenge?: string }
  /** It cannot be said just now: asking again helps. */
  | { kind: 'unknown'; detail: string };

/** In the same turn wherever nothing has to be computed or asked. */
export type Identify = (header: Header) => Identity | Promise<Identity>;

export interface IdentifyDeps {
  /** Epoch ms: by it tokens expire. */
  clock: () => number;
  /** Measures spans; another than the usual one in tests. */
  now?: SpanClock;
  onError: (error: unknown) => void;
}
