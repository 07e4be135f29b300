// How many of something there are for each name, as long as there are any.

export interface Tally {
  count(name: string): number;
  add(name: string): void;
  take(name: string): void;
}

/** Counts by name; a name that counts nothing takes no room. */
export function createTally(): Tally {
  const counts = new Map<string, number>();
  const count = (name: string) => counts.get(name) ?? 0;
  return {
    count,
    add: (name: string) => void counts.set(name, count(name) + 1),
    take(name: string) {
      if (count(name) > 1) counts.set(name, count(name) - 1);
      else counts.delete(name);
    },
  };
}
