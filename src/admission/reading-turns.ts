// Which campaigns' gates a front reads next. A campaign whose gate has just changed is read each time, one that somebody asks
// for is compared each time, and all others in turn: ten thousand campaigns in which nothing happens cost a few comparisons.
import { limits } from '../process/limits.ts';
import type { CampaignMemory } from './campaign-memory.ts';

/** So many quiet campaigns are compared in each reading; of more than ten times as many a tenth: each once a second. */
const QUIET_MIN = 1_000;
const READINGS_PER_ROUND = 10;

export interface Readings {
  /** To be read as they are: their gates are expected to have changed. */
  moving: CampaignMemory[];
  /** To be compared with what is known of them. */
  quiet: CampaignMemory[];
}

/** Returns how to choose; it forgets what nobody has used for long, and what has not been used for longest beyond the bound. */
export function createReadingTurns(memories: Map<string, CampaignMemory>): (now: number) => Readings {
  let turn = 0;
  return (now) => {
    forget(memories, now);
    const moving: CampaignMemory[] = [];
    const quiet: CampaignMemory[] = [];
    const { size } = memories;
    const count = Math.max(QUIET_MIN, Math.ceil(size / READINGS_PER_ROUND));
    const from = size > count ? turn % size : 0;
    let place = 0;
    for (const memory of memories.values()) {
      const isItsTurn = (place - from + size) % size < count;
      if (memory.isMoving) moving.push(memory);
      else if (isItsTurn || memory.askedAt >= memory.view.readAt) quiet.push(memory);
      place += 1;
    }
    turn = from + count;
    return { moving, quiet };
  };
}

function forget(memories: Map<string, CampaignMemory>, now: number): void {
  const usedAt = ({ askedAt, watchedAt }: CampaignMemory) => Math.max(askedAt, watchedAt);
  for (const [id, memory] of memories) if (now - usedAt(memory) > limits.viewIdleMs) memories.delete(id);
  const excess = memories.size - limits.viewsMax;
  if (excess <= 0) return;
  const oldest = [...memories].toSorted(([, one], [, other]) => usedAt(one) - usedAt(other)).slice(0, excess);
  for (const [id] of oldest) memories.delete(id);
}
