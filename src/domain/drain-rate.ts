// How fast tickets are being settled, from the counts a front reads anyway, and what that means for one who waits.

export interface Eta {
  known: boolean;
  p50Ms: number | null;
  p90Ms: number | null;
}

export interface DrainRate {
  /** Takes the number of tickets settled so far and of those still waiting, as read at `nowMs`. */
  record(settledCount: number, backlog: number, nowMs: number): void;
  /** Median tickets per second over the last windows with work in them; undefined before the first. */
  perSecond(): number | undefined;
  /** When `ahead` tickets will be settled: by the median window, and by the slowest tenth of them. */
  eta(ahead: number): Eta;
}

const WINDOW_MS = 1_000;
const WINDOWS_MAX = 30;
const UNKNOWN: Eta = { known: false, p50Ms: null, p90Ms: null };

export function createDrainRate(): DrainRate {
  let start: { settledCount: number; backlog: number; atMs: number } | undefined;
  const rates: number[] = [];
  /** Undefined until somebody asks: a front records thousands of campaigns a second that nobody polls. */
  let sorted: number[] | undefined;

  const percentile = (share: number): number | undefined => {
    sorted ??= rates.toSorted((a, b) => a - b);
    return sorted[Math.floor(share * (sorted.length - 1))];
  };
  return {
    record(settledCount, backlog, nowMs) {
      start ??= { settledCount, backlog, atMs: nowMs };
      const elapsedMs = nowMs - start.atMs;
      if (elapsedMs >= 0 && elapsedMs < WINDOW_MS) return;
      // A window that began without work says nothing about the speed of working.
      if (elapsedMs > 0 && start.backlog > 0) {
        rates.push(((settledCount - start.settledCount) / elapsedMs) * 1_000);
        if (rates.length > WINDOWS_MAX) rates.shift();
        sorted = undefined;
      }
      start = { settledCount, backlog, atMs: nowMs };
    },
    perSecond: () => percentile(0.5),
    eta(ahead) {
      const typical = percentile(0.5);
      const slow = percentile(0.1);
      if (typical === undefined || typical <= 0) return UNKNOWN;
      const p50Ms = Math.ceil((ahead / typical) * 1_000);
      return {
        known: true,
        p50Ms,
        p90Ms: slow !== undefined && slow > 0 ? Math.ceil((ahead / slow) * 1_000) : 3 * p50Ms,
      };
    },
  };
}

/** When to ask again: a quarter of the expected wait within [`minMs`, `maxMs`], spread by ±20 %. */
export function pollAfterMs(eta: Eta, minMs: number, maxMs: number, random: () => number): number {
  const base = eta.known ? Math.min(maxMs, Math.max(minMs, eta.p50Ms! / 4)) : 2 * minMs;
  return Math.round(base * (0.8 + 0.4 * random()));
}
