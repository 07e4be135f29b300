// The epochs of one gate. Every restart and every rebuild begins one; a ticket belongs to the one it was admitted in.

/** A ticket has 16 bits for its epoch. */
export const EPOCH_MAX = 0xffff;

/** An epoch, and the last seq before it began. */
export interface EpochStart {
  epoch: number;
  afterSeq: number;
}

/** Reads the form kept in Redis: `1:0 2:1500`, the oldest first. Anything else in it is left out. */
export function parseEpochs(text: string): EpochStart[] {
  return [...text.matchAll(/(\d+):(\d+)/g)].map(([, epoch, afterSeq]) => ({
    epoch: Number(epoch),
    afterSeq: Number(afterSeq),
  }));
}

export const formatEpochs = (epochs: readonly EpochStart[]): string =>
  epochs.map(({ epoch, afterSeq }) => `${epoch}:${afterSeq}`).join(' ');

/** The epoch in which `seq` was given out; undefined for a seq before all of them. */
export const epochAt = (epochs: readonly EpochStart[], seq: number): number | undefined =>
  epochs.findLast(({ afterSeq }) => seq > afterSeq)?.epoch;
