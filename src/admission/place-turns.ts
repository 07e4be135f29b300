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

/** How many streams may hear of another place in a look, where the event loop was busy for that share of its time before. */
export function placesToTell(busyShare: number): number {
  const { placesToldMin: fewest, placesToldMax: most, placesCalmShare: calm, placesBusyShare: busy } = limits;
  const calmness = Math.min(1, Math.max(0, (busy - busyShare) / (busy - calm)));
  return Math.round(fewest + (most - fewest) * calmness);
}

/** As {@link placesToTell} says, for how busy this process's event loop was since it was last asked. */
export function createPlacesBudget(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    // No number where no time has gone by.
    return placesToTell(utilization || 0);
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
    lookAt(group);
    if (turn.placesLeft === 0) spender ??= group;
  }
  if (spender !== undefined && groups.delete(spender.campaign)) groups.set(spender.campaign, spender);
}
