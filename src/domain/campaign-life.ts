// The one home of a campaign's life: which stages there are, what each means for Redis, the ledger and polls, and which
// predicate says that a campaign has a gate. `src/ledger/gated.ts` says the same in SQL.
import type { StoredCampaign } from './campaign.ts';

/** In the order of a campaign's life. */
export const STAGES = {
  draft: {
    means: 'created; its gate has not been made yet',
    gate: false,
    rows: true,
    polls: 'no tickets yet',
  },
  open: { means: 'sells, or waits for its opening', gate: true, rows: true, polls: 'gate' },
  paused: { means: 'refuses joins until it is resumed', gate: true, rows: true, polls: 'gate' },
  closed: { means: 'ended by an operator; its last tickets are issued', gate: true, rows: true, polls: 'gate' },
  drained: { means: 'ended, and no ticket waits, is worked on or is retried', gate: true, rows: true, polls: 'gate' },
  archived: { means: 'ended permanently; its keys leave Redis', gate: false, rows: true, polls: 'ledger' },
  purged: { means: 'its rows leave the ledger; its id stays taken', gate: false, rows: false, polls: '410' },
} as const satisfies Record<string, { means: string; gate: boolean; rows: boolean; polls: string }>;

export type Stage = keyof typeof STAGES;

/** What of a campaign says how far its life has come. Times are epoch ms. */
export type Life = Pick<StoredCampaign, 'state' | 'projectedVersion' | 'drainedAt' | 'archivedAt' | 'purgedAt'>;

export function stageOf(life: Life): Stage {
  if (life.purgedAt !== null) return 'purged';
  if (life.archivedAt !== null) return 'archived';
  if (neverHadGate(life)) return 'draft';
  if (life.drainedAt !== null) return 'drained';
  return life.state === 'active' ? 'open' : life.state;
}

/** Whether a gate is missed when Redis has none. Nobody makes, recovers or compares the gate of any other campaign. */
export const hasGate = (life: Life): boolean => STAGES[stageOf(life)].gate;

/** Whether its gate may be made out of nothing: an empty gate in place of a lost one would sell the stock again. */
export const neverHadGate = ({ projectedVersion }: Pick<Life, 'projectedVersion'>): boolean => projectedVersion === 0;

/** Whether it is over for good: it takes no change any more. */
export const isOver = ({ archivedAt }: Pick<Life, 'archivedAt'>): boolean => archivedAt !== null;
