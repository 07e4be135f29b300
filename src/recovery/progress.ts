// How far a worker has come that recovers many gates.

/** Recoveries of so many gates are told by their progress, this often; of fewer each by itself. */
const TOLD_MAX = 20;
const TELL_MS = 5_000;

/** How far the worker has come with many gates. */
export interface RecoveryProgress {
  /** Gates that this worker found closed, and those of them that are open now, whoever opened them. */
  foundCount: number;
  openCount: number;
  /** Those that this worker rebuilt. */
  rebuiltCount: number;
  seconds: number;
  isOver: boolean;
}

/** Tells of many gates at the start, every few seconds and at the end; of a few nothing. */
export function createProgress(onProgress: (progress: RecoveryProgress) => void) {
  let [foundCount, openCount, rebuiltCount, startedAt, toldAt] = [0, 0, 0, 0, 0];
  let isNews = false;
  const isOfMany = () => foundCount > TOLD_MAX;
  const say = (isOver: boolean) => {
    toldAt = performance.now();
    isNews = false;
    onProgress({ foundCount, openCount, rebuiltCount, seconds: (toldAt - startedAt) / 1_000, isOver });
  };
  return {
    isOfMany,
    found(): void {
      if (foundCount === 0) startedAt = performance.now();
      foundCount += 1;
      isNews = true;
    },
    opened(isRebuilt: boolean): void {
      openCount += 1;
      isNews = true;
      if (isRebuilt) rebuiltCount += 1;
    },
    tell(): void {
      if (isNews && isOfMany() && performance.now() - toldAt >= TELL_MS) say(false);
    },
    /** Nothing is under way. `restingCount` gates are taken up again later: what becomes of them is told then. */
    pause(restingCount: number): void {
      if (isOfMany() && openCount > 0) say(true);
      [foundCount, openCount, rebuiltCount, startedAt, toldAt] = [restingCount, 0, 0, performance.now(), 0];
    },
  };
}
