// Time and chance of a rehearsal: both are parameters, so that a test and a second run can repeat a first.

/** Monotonic ms with a fraction; only differences mean anything. */
export type MonotonicClock = () => number;

export const monotonicClock: MonotonicClock = () => performance.now();

/** Sleeps that can all be ended at once: thousands of waiting buyers leave together when the load is stopped. */
export interface Pauses {
  readonly stopped: boolean;
  /** Resolves after `ms`, or at once when stopped. Never rejects. */
  sleep(ms: number): Promise<void>;
  stop(): void;
}

export function createPauses(): Pauses {
  const sleeping = new Map<NodeJS.Timeout, () => void>();
  let stopped = false;
  return {
    get stopped() {
      return stopped;
    },
    sleep(ms) {
      if (stopped) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          sleeping.delete(timer);
          resolve();
        }, ms);
        sleeping.set(timer, resolve);
      });
    },
    stop() {
      stopped = true;
      for (const [timer, resolve] of sleeping) {
        clearTimeout(timer);
        resolve();
      }
      sleeping.clear();
    },
  };
}

/** A number in [0, 1). */
export type Chance = () => number;

/** The same sequence for the same text: mulberry32 (Tommy Ettinger, public domain) over an FNV-1a hash of the seed. */
export function seededChance(seed: string): Chance {
  let state = 0x811c9dc5;
  for (const char of seed) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
