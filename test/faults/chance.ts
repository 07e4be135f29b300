// Seeded chance: the same seed makes the same choices, on every machine.

/** A number in [0, 1). */
export type Chance = () => number;

/** mulberry32 (Tommy Ettinger, public domain) over an FNV-1a hash of the seed. */
export function chanceOf(seed: string): Chance {
  let state = 0x811c9dc5;
  for (const char of seed) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A whole number from `min` to `max`, both included. */
export const between = (chance: Chance, min: number, max: number): number =>
  min + Math.floor(chance() * (max - min + 1));

export const oneOf = <T>(chance: Chance, among: readonly T[]): T => among[between(chance, 0, among.length - 1)]!;
