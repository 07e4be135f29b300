// Who may have been admitted: a Bloom filter over user tags. A refusal from memory must never hit a user who holds a
// ticket, so only a tag that is certainly not in here is refused without asking the gate.

const BITS_PER_USER = 10;
/** With 10 bits a user and 7 probes, 0.8 % of strangers are taken for admitted and cost a question. */
const PROBES = 7;

export interface AdmittedFilter {
  add(tag: string): void;
  /** False means certainly not added. */
  mayHave(tag: string): boolean;
}

/** A filter for `capacity` users; more of them only make it ask the gate more often. */
export function createAdmittedFilter(capacity: number): AdmittedFilter {
  const bitCount = Math.max(1_024, capacity * BITS_PER_USER);
  // Made for the first user: of most campaigns a front admits nobody, and a large stock takes megabytes.
  let bits: Uint8Array | undefined;
  // A tag is 96 uniform bits already; two 32-bit halves of it make all probes (Kirsch and Mitzenmacher, 2006).
  const probe = (tag: string, visit: (index: number) => boolean): boolean => {
    const first = fold(tag, 0);
    const step = fold(tag, 8) | 1;
    for (let i = 0; i < PROBES; i += 1) {
      if (!visit(((first + Math.imul(i, step)) >>> 0) % bitCount)) return false;
    }
    return true;
  };
  return {
    add: (tag) => {
      bits ??= new Uint8Array(Math.ceil(bitCount / 8));
      const made = bits;
      probe(tag, (index) => {
        made[index >> 3]! |= 1 << (index & 7);
        return true;
      });
    },
    mayHave: (tag) => {
      const made = bits;
      return made !== undefined && probe(tag, (index) => (made[index >> 3]! & (1 << (index & 7))) !== 0);
    },
  };
}

/** FNV-1a over eight characters. */
function fold(tag: string, from: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < from + 8; i += 1) hash = Math.imul(hash ^ tag.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
