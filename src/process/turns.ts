// So much work at a time, the rest in the order in which it came.

/** Returns how to do work when its turn comes: at most `countMax` pieces of it are under way. */
export function createTurns(countMax: number): <T>(work: () => Promise<T>) => Promise<T> {
  let line: (() => void)[] = [];
  let first = 0;
  let count = 0;

  function next(): void {
    const start = line[first];
    first += 1;
    start!();
    // To shift an array costs as much as it is long.
    if (first < line.length) return;
    line = [];
    first = 0;
  }

  return async (work) => {
    if (count >= countMax) await new Promise<void>((resolve) => line.push(resolve));
    else count += 1;
    try {
      return await work();
    } finally {
      if (line.length > 0) next();
      else count -= 1;
    }
  };
}
