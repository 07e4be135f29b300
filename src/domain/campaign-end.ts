// What an operator, or a duty after its time, asks of a campaign that is over, and what stands in the way.

/** Why a campaign is not archived or purged now. */
export type EndObstacle =
  /** It has no gate yet. */
  | 'draft'
  /** It has not ended, or has tickets that wait, are worked on or are retried. */
  | 'not-drained'
  /** Dead letters of it wait for an operator, or are being redriven. */
  | 'dead-letters'
  /** Units that were given back have not reached the gate. */
  | 'returns'
  /** The retry queue has jobs of it. */
  | 'retries'
  /** Its gate is shut or goes on: a worker recovers it, or a ticket came back. */
  | 'gate'
  /** To be purged it must be archived. */
  | 'not-archived';

/** What an archive or a purge came to; in a dry run, what it would come to. */
export interface EndReport {
  campaign: string;
  dryRun: boolean;
  /** Null when nothing stands in the way, also where it was done before. */
  obstacle: EndObstacle | null;
  /** Keys of it in Redis: those that go. */
  keys: number;
  /** Rows of it in the ledger by table: those that go. */
  rows: Record<string, number>;
}

/** How long what has ended is kept, ms. */
export interface Retention {
  /** From the end of a campaign until it is archived. */
  archiveMs: number;
  /** From then on until its keys are deleted for the last time. */
  keysRestMs: number;
  /** From its archive until it is purged; undefined for never. */
  purgeMs: number | undefined;
}

/** Whether any campaign is to be archived, or purged, or has keys, rows or ids of buyers left that have to go. */
export interface DueEnds {
  archive: boolean;
  keys: boolean;
  purge: boolean;
  rows: boolean;
  erase: boolean;
}
