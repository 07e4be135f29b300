// The campaigns that the ledger knows, so that a gate that Redis has lost is not taken for a campaign that never was. Read
// in the background: no request ever waits for the ledger, and while it is away the last roll stands.
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';

export interface CampaignRoll {
  /** Whether the ledger has this campaign; true before the first reading, because it may. */
  mayHave(campaign: string): boolean;
  /** Notes a campaign whose gate was read: the ledger has it, though the roll may be older than the campaign. */
  learn(campaign: string): void;
  /** Whether the ledger was read at least once. */
  isRead(): boolean;
  /** Reads until `stopping` aborts. */
  keepReading(stopping: AbortSignal): Promise<void>;
}

export interface CampaignRollDeps {
  /** Up to `limit` ids of campaigns behind the id `after`, in their order. */
  listIds: (page: { after: string | undefined; limit: number }) => Promise<string[]>;
  /** Between two readings, ms; another one in tests. */
  readMs?: number;
  onError: (error: unknown) => void;
}

export function createCampaignRoll(deps: CampaignRollDeps): CampaignRoll {
  let known: ReadonlySet<string> | undefined;
  /** Learned since the last reading began, and before: the next reading that succeeds has the latter. */
  let learned = new Set<string>();
  let older = new Set<string>();

  async function read(): Promise<void> {
    const ids = new Set<string>();
    older = older.union(learned);
    learned = new Set();
    for (let after: string | undefined; ; ) {
      const page = await deps.listIds({ after, limit: limits.rowsPerRead });
      for (const id of page) ids.add(id);
      if (page.length < limits.rowsPerRead) break;
      after = page.at(-1);
    }
    known = ids;
    older = new Set();
  }

  return {
    mayHave: (campaign) => known === undefined || [known, learned, older].some((ids) => ids.has(campaign)),
    learn: (campaign) => void learned.add(campaign),
    isRead: () => known !== undefined,
    async keepReading(stopping) {
      while (!stopping.aborted) {
        await read().catch(deps.onError);
        await pause(deps.readMs ?? limits.rollReadMs, stopping);
      }
    },
  };
}
