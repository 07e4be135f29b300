// How often one address may send what only an attacker sends. The address is refused unseen for the rest of the window.
import { limits } from '../../process/limits.ts';
import { createRoughCount } from '../rough-count.ts';
import type { Identity } from './caller.ts';

export interface FailureLimit {
  /** The refusal of an address that has failed too often; an undefined address is never refused. */
  refusal(address: string | undefined): Identity | undefined;
  /** Counts a failure. */
  add(address: string | undefined): void;
}

/** `count` failures of an address a window, in this process. */
export function createFailureLimit(name: string, count: number, clock: () => number): FailureLimit {
  const quota = { name, count, windowSeconds: limits.clientWindowSeconds };
  // By two hashes: an address is refused for another's failures only if it shares the cells of both.
  const counts = [createRoughCount(clock), createRoughCount(clock)] as const;
  return {
    refusal(address) {
      if (address === undefined || counts.some((one) => one.of(address) < count)) return undefined;
      return { kind: 'limited', waitMs: counts[0].leftMs(), quota };
    },
    add(address) {
      if (address === undefined) return;
      for (const one of counts) one.add(address);
    },
  };
}
