// Which tickets of epochs that are over some store still has; a byte for each that was given out.
import type { EpochStart } from '../domain/epochs.ts';

/** Of each epoch. A stranger's entry in a stream may have moved the gate on by billions that were never given out. */
const SEQS_MAX = 1_000_000;

interface Over {
  epoch: number;
  afterSeq: number;
  known: Uint8Array;
}

export class EpochSeqs {
  private readonly over: Over[];

  /** The epochs of a gate in their order; the last one goes on. */
  constructor(epochs: readonly EpochStart[]) {
    this.over = epochs.slice(0, -1).map(({ epoch, afterSeq }, index) => {
      const count = Math.min(epochs[index + 1]!.afterSeq - afterSeq, SEQS_MAX);
      return { epoch, afterSeq, known: new Uint8Array(Math.max(0, count)) };
    });
  }

  /** Notes a ticket as it was signed. */
  ticket({ epoch, seq }: { epoch: number; seq: number }): void {
    for (const one of this.over) if (one.epoch === epoch) note(one, seq);
  }

  /** Notes that a user of the gate stands there. */
  place(seq: number): void {
    for (const one of this.over) note(one, seq);
  }

  /** Tickets that no store has. */
  *missing(): Iterable<{ epoch: number; seq: number }> {
    for (const { epoch, afterSeq, known } of this.over) {
      for (const [index, isKnown] of known.entries()) if (isKnown === 0) yield { epoch, seq: afterSeq + 1 + index };
    }
  }
}

/** Writes outside of a typed array change nothing. */
function note({ afterSeq, known }: Over, seq: number): void {
  known[seq - afterSeq - 1] = 1;
}
