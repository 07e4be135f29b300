// Who a request comes from, as every source of identity says it.
import type { SpanClock } from '../../domain/clock.ts';
import type { Header } from '../headers.ts';
import type { Quota } from '../problems.ts';

/** `challenge` is what the answer says in WWW-Authenticate, where there is a scheme to name. */
export type Identity =
  | { kind: 'user'; user: string }
  | { kind: 'nobody' | 'invalid'; detail: string; challenge?: string }
  /** It cannot be said just now: asking again helps. */
  | { kind: 'unknown'; detail: string }
  /** So many tokens of its address were forged, or wait, that no further one is checked just now. */
  | { kind: 'limited'; waitMs: number; quota: Quota };

/**
 * In the same turn wherever nothing has to be computed or asked. `addressOf` says by which address failures are counted,
 * undefined for an address that is a crowd's; it is asked only where something has to be checked.
 */
export type Identify = (header: Header, addressOf?: () => string | undefined) => Identity | Promise<Identity>;

export interface IdentifyDeps {
  /** Epoch ms: by it tokens expire. */
  clock: () => number;
  /** Measures spans; another than the usual one in tests. */
  now?: SpanClock;
  onError: (error: unknown) => void;
}
