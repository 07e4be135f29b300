// Which streams hear of another place in a look, where more want to than the event loop has time for.
import { performance } from 'node:perf_hooks';
import { limits } from '../process/limits.ts';

/** Of one look. */
export interface PlaceTurn {
  /** By the span clock. */
  now: number;
  /** How many more places may be told in it. */
  placesLeft: number;
}

/** How many streams may hear of another place in a look, where the process was busy for that share of the time before. */
export function placesToTell(busyShare: number): number {
  const { placesToldMin: fewest, placesToldMax: most, placesCalmShare: calm, placesBusyShare: busy } = limits;
  const calmness = Math.min(1, Math.max(0, (busy - busyShare) / (busy - calm)));
  return Math.round(fewest + (most - fewest) * calmness);
}

/**
 * As {@link placesToTell} says, for how busy this process was since it was last asked: its event loop, or its core, since
 * the loop counts the time that the kernel takes for it as idle, and knows nothing of the collector's threads. None right
 * after the last answer: what follows a reading, such as the names of those who gave back, is a look of its own.
 */
export function createPlacesBudget(): () => number {
  let loop = performance.eventLoopUtilization();
  let used = process.cpuUsage();
  let at = performance.now();
  return () => {
    const now = performance.now();
    if (now - at < limits.viewReadMs / 2) return 0;
    const { utilization } = performance.eventLoopUtilization(loop);
    const { user, system } = process.cpuUsage(used);
    const coreShare = (user + system) / 1_000 / (now - at);
    loop = performance.eventLoopUtilization();
    used = process.cpuUsage();
    at = now;
    return placesToTell(Math.max(utilization, coreShare));
  };
}

/** Looks at each group in turn. The one that used up the places comes last in the next look: others tell theirs before it. */
export function lookInTurn<G extends { campaign: string }>(
  groups: Map<string, G>,
  turn: PlaceTurn,
  lookAt: (group: G) => void,
): void {
  let spender: G | undefined;
  for (const group of groups.values()) {
    const { placesLeft } = turn;
    lookAt(group);
    if (placesLeft > 0 && turn.placesLeft === 0) spender = group;
  }
  if (spender !== undefined && groups.delete(spender.campaign)) groups.set(spender.campaign, spender);
}
