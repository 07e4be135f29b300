// Who may have been admitted: a Bloom filter over user tags. A refusal from memory must never hit a user who holds a
// ticket, so only a tag that is certainly not in here is refused without asking the gate. It grows with the stock by a
// further layer, and later layers are sparser (scalable Bloom filters, Almeida et al. 2007).
import { randomInt } from 'node:crypto';

const BITS_PER_USER = 10;
/** More bits a user in each layer after the first, so that all layers together are not much less certain than one. */
const BITS_MORE = 2;
/** With 10 bits a user and 7 probes, 0.8 % of strangers are taken for admitted and cost a question; of all layers 1.5 %. */
const PROBES = 7;

export interface AdmittedFilter {
  add(tag: string): void;
  /** False means certainly not added. */
  mayHave(tag: string): boolean;
  /** Makes room for `capacity` users in all; what was added stays. */
  grow(capacity: number): void;
}

interface Layer {
  /** Made for its first user: of most campaigns a front admits nobody, and a large stock takes megabytes. */
  bits?: Uint8Array;
  bitCount: number;
}

/** A filter for `capacity` users; more of them only make it ask the gate more often. */
export function createAdmittedFilter(capacity: number): AdmittedFilter {
  // Ids are chosen by users: without a secret they could be chosen so that each of them looks admitted, or fills cells.
  const [seed, otherSeed] = [randomInt(2 ** 32), randomInt(2 ** 32)];
  let room = capacity;
  const layers = [layerFor(capacity, BITS_PER_USER)];
  const probe = ({ bitCount }: Layer, tag: string, visit: (index: number) => boolean): boolean => {
    // A tag is 96 uniform bits; two 32-bit halves of it make all probes (Kirsch and Mitzenmacher, 2006).
    const first = fold(tag, 0, seed);
    const step = fold(tag, 8, otherSeed) | 1;
    for (let i = 0; i < PROBES; i += 1) {
      if (!visit(((first + Math.imul(i, step)) >>> 0) % bitCount)) return false;
    }
    return true;
  };
  const isIn = (layer: Layer, tag: string): boolean => {
    const { bits } = layer;
    return bits !== undefined && probe(layer, tag, (index) => (bits[index >> 3]! & (1 << (index & 7))) !== 0);
  };
  const mayHave = (tag: string): boolean => layers.some((layer) => isIn(layer, tag));
  return {
    add(tag) {
      // What an earlier layer has would fill a later one for nothing when everybody is added again.
      if (layers.length > 1 && mayHave(tag)) return;
      const layer = layers.at(-1)!;
      layer.bits ??= new Uint8Array(Math.ceil(layer.bitCount / 8));
      const { bits } = layer;
      probe(layer, tag, (index) => {
        bits[index >> 3]! |= 1 << (index & 7);
        return true;
      });
    },
    mayHave,
    grow(wanted) {
      if (wanted <= room) return;
      // At least doubled: stock that comes in many small tranches must not make as many layers.
      const more = Math.max(wanted - room, room);
      layers.push(layerFor(more, BITS_PER_USER + BITS_MORE * layers.length));
      room += more;
    },
  };
}

const layerFor = (capacity: number, bitsPerUser: number): Layer => ({
  bitCount: Math.max(1_024, capacity * bitsPerUser),
});

/** FNV-1a over eight characters from a secret start, and the finish of MurmurHash3, so that every bit depends on it. */
function fold(tag: string, from: number, seed: number): number {
  let hash = seed;
  for (let i = from; i < from + 8; i += 1) hash = Math.imul(hash ^ tag.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
