// Campaign ids that anybody can make up: how many of them Redis is asked about, and which are known to be nobody's.
import type { SpanClock } from '../domain/clock.ts';
import { Fault } from '../domain/fault.ts';
import { limits } from '../process/limits.ts';

export interface UnknownCampaigns {
  /** Whether Redis said a moment ago that there is no such campaign. */
  has(id: string): boolean;
  /** Notes that Redis said so. */
  add(id: string): void;
  /** Notes that the ledger has the campaign: it is read as a known one. */
  announce(id: string): void;
  /** Whether guessed ids have used up what there is, and this may be one of them. */
  refuses(id: string): boolean;
  /** Counts a question about an id; throws a retryable Fault when it is refused. */
  ask(id: string): void;
}

/** One for all: thousands are told so, and a stack trace costs more than the answer. */
const TOO_MANY = new Fault('overloaded', 'clients ask for too many unknown campaign ids', { retryable: true });

/** `exists` says whether the ledger was seen with a campaign: a question about such a one is always asked. */
export function createUnknownCampaigns(exists: (id: string) => boolean, now: SpanClock): UnknownCampaigns {
  /** In the order in which they run out. Only what was asked gets in, so that guesses cannot push each other out. */
  const untils = new Map<string, number>();
  const announced = new Set<string>();
  let windowAt = Number.NEGATIVE_INFINITY;
  let askedCount = 0;

  function dropOld(): void {
    for (const [id, until] of untils) {
      if (untils.size <= limits.unknownIdsMax && isOn(until, now())) break;
      untils.delete(id);
    }
  }

  function refuses(id: string): boolean {
    if (askedCount < limits.unknownAsksPerSecond || now() - windowAt >= 1_000) return false;
    return !exists(id) && !announced.has(id);
  }

  return {
    has: (id) => isOn(untils.get(id), now()),
    add(id) {
      untils.delete(id);
      untils.set(id, now() + limits.unknownViewMs);
      dropOld();
    },
    announce(id) {
      untils.delete(id);
      if (announced.size >= limits.viewsMax) announced.clear();
      announced.add(id);
    },
    refuses,
    ask(id) {
      if (refuses(id)) throw TOO_MANY;
      if (exists(id) || announced.has(id)) return;
      if (now() - windowAt >= 1_000) [windowAt, askedCount] = [now(), 0];
      askedCount += 1;
    },
  };
}

const isOn = (until: number | undefined, now: number): boolean => until !== undefined && now < until;
