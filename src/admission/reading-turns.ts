// Which campaigns' gates a front reads next. A front reads a gate that has just changed in each reading, compares the gate
// of a campaign that clients ask for in each reading, and compares all other gates in turn. Ten thousand campaigns without
// sales cost a few comparisons.
import { limits } from '../process/limits.ts';
import type { CampaignMemory } from './campaign-memory.ts';

/** So many quiet campaigns are compared in each reading; of more than twelve times as many a twelfth: each within 1.5 s. */
const QUIET_MIN = 250;
const READINGS_PER_ROUND = 12;

export interface Readings {
  /** To be read as they are: their gates are expected to have changed. */
  moving: CampaignMemory[];
  /** To be compared with what is known of them. */
  quiet: CampaignMemory[];
}

/** Returns how to choose. It forgets campaigns that no client has used for long, and beyond the limit those unused for longest. */
export function createReadingTurns(memories: Map<string, CampaignMemory>): (now: number) => Readings {
  let turn = 0;
  let readingCount = 0;
  return (now) => {
    if (readingCount++ % READINGS_PER_ROUND === 0 || memories.size > limits.viewsMax) forget(memories, now);
    const moving: CampaignMemory[] = [];
    const quiet: CampaignMemory[] = [];
    const { size } = memories;
    const count = Math.min(size, Math.max(QUIET_MIN, Math.ceil(size / READINGS_PER_ROUND)));
    const from = turn < size ? turn : 0;
    const to = from + count;
    let place = 0;
    for (const memory of memories.values()) {
      const isItsTurn = (place >= from && place < to) || place + size < to;
      if (memory.isMoving) moving.push(memory);
      else if (isItsTurn || memory.askedAt >= memory.view.readAt) quiet.push(memory);
      place += 1;
    }
    turn = to % Math.max(1, size);
    return { moving, quiet };
  };
}

const usedAt = ({ askedAt, watchedAt }: CampaignMemory): number => Math.max(askedAt, watchedAt);

function forget(memories: Map<string, CampaignMemory>, now: number): void {
  for (const memory of memories.values()) if (now - usedAt(memory) > limits.viewIdleMs) memories.delete(memory.view.id);
  const excess = memories.size - limits.viewsMax;
  if (excess <= 0) return;
  const oldest = [...memories.values()].toSorted((one, other) => usedAt(one) - usedAt(other)).slice(0, excess);
  for (const { view } of oldest) memories.delete(view.id);
}

/** Returns how to take up to `count` items, each time others while there are more. */
export function createRotation(count: number): <T>(items: readonly T[]) => T[] {
  let turn = 0;
  return (items) => {
    const from = turn % Math.max(1, items.length);
    turn = from + count;
    return [...items.slice(from), ...items.slice(0, from)].slice(0, count);
  };
}
