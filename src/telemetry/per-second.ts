// A bound on what is recorded out of turn: a crowd, or an outage, must not make every request write a span.

/** True for the first `max` calls of each kind in a second of `clock` (ms). Kinds must be few: each is remembered. */
export function createPerSecond(
  max: number,
  clock: () => number = () => performance.now(),
): (kind?: string) => boolean {
  let second = 0;
  const counts = new Map<string, number>();
  return (kind = '') => {
    const now = Math.floor(clock() / 1_000);
    if (now !== second) {
      second = now;
      counts.clear();
    }
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count <= max;
  };
}
