// Whether gates may sell: a part of what `port.ts` says.
import type { Campaign } from '../domain/campaign.ts';

/**
 * `verified` may sell; `unverified` since its server started; `damaged` must be rebuilt; `missing` is lost; `alone` is one
 * of the three, on a server without the replicas it must have: it may have been replaced, so nobody acts on what it says.
 */
export type GateState = 'verified' | 'unverified' | 'damaged' | 'missing' | 'alone';

export interface StateOnServer {
  state: GateState;
  server: string;
  /** Of a gate that is unverified; no ticket moves in it until it was verified. */
  holds?: GateHolds;
}

/** What a gate and its streams hold, read in one moment. */
export interface GateHolds {
  seq: number;
  settledCount: number;
  cancelledCount: number;
  stock: number;
  /** Units handed out and not returned. */
  givenCount: number;
  /** Entries in all of its streams. */
  entryCount: number;
}

/** Whether a gate may sell, and opening one that was found whole. */
export interface GateStates {
  /** `epoch`: that of the ledger. */
  state: (campaign: Pick<Campaign, 'id' | 'epoch' | 'shards'>) => Promise<GateState>;
  /** With the run id of the server that has the gate, and what an unverified one holds. */
  stateOn: (campaign: Pick<Campaign, 'id' | 'epoch' | 'shards'>) => Promise<StateOnServer>;
  /**
   * Those of many campaigns whose gate is not of the ledger's epoch, or not verified since its server started: one read of
   * all of them. Their streams are not looked at.
   */
  closedAmong: <C extends Pick<Campaign, 'id' | 'epoch'>>(campaigns: readonly C[]) => Promise<C[]>;
  /** What of each gate changes with its tickets and settings, as a text to compare: one read of all of them. */
  marksOf: (campaigns: readonly Pick<Campaign, 'id'>[]) => Promise<string[]>;
  /** Brings an open gate to the version of the campaign. */
  project: (campaign: Campaign) => Promise<'projected' | 'current' | 'missing'>;
  /**
   * Opens a gate that was found whole on `server`, with the settings of the ledger; returns the last seq before its new
   * epoch. A `stale-epoch` Fault when the server was started again since.
   */
  promote: (campaign: Campaign, to: number, server: string) => Promise<number>;
}
