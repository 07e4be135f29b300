// The campaigns that have a gate as the ledger knows it, so that a gate that Redis has lost is not taken for a campaign that never was. Read
// in the background: no request ever waits for the ledger, and while it is away the last roll stands.
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';

export interface CampaignRoll {
  /** Whether this campaign has a gate by what the ledger says; true before the first reading, because it may. */
  mayHave(campaign: string): boolean;
  /** Notes a campaign whose gate was read: it has one, though the roll may be older than the campaign. */
  learn(campaign: string): void;
  /** Whether the ledger was read at least once. */
  isRead(): boolean;
  /** Reads until `stopping` aborts. */
  keepReading(stopping: AbortSignal): Promise<void>;
}

export interface CampaignRollDeps {
  /** Up to `limit` ids of campaigns with a gate behind the id `after`, in their order. */
  listIds: (page: { after: string | undefined; limit: number }) => Promise<string[]>;
  /** Between two readings, ms; another one in tests. */
  readMs?: number;
  onError: (error: unknown) => void;
}

export function createCampaignRoll(deps: CampaignRollDeps): CampaignRoll {
  let known: ReadonlySet<string> | undefined;
  /** By campaign, during or after which reading it was learned: one that begins later has it, or it is gone. */
  const learned = new Map<string, number>();
  let readingCount = 0;

  async function read(): Promise<void> {
    const ids = new Set<string>();
    readingCount += 1;
    for (let after: string | undefined; ; ) {
      const page = await deps.listIds({ after, limit: limits.rowsPerRead });
      for (const id of page) ids.add(id);
      if (page.length < limits.rowsPerRead) break;
      after = page.at(-1);
    }
    known = ids;
    for (const [id, at] of learned) if (at < readingCount) learned.delete(id);
  }

  return {
    mayHave: (campaign) => known === undefined || known.has(campaign) || learned.has(campaign),
    learn: (campaign) => void learned.set(campaign, readingCount),
    isRead: () => known !== undefined,
    async keepReading(stopping) {
      while (!stopping.aborted) {
        const isRead = await read().then(
          () => true,
          (error: unknown) => {
            deps.onError(error);
            return false;
          },
        );
        const { readMs = limits.rollReadMs } = deps;
        await pause(isRead ? readMs : Math.min(readMs, limits.rollRetryMs), stopping);
      }
    },
  };
}
