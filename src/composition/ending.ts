// The ends of campaigns, put together of the stores: a worker brings them about after their time, a front when an operator
// asks.
import type { EndReport } from '../domain/campaign-end.ts';
import { Fault } from '../domain/fault.ts';
import { type ArchiveDeps, archive, archiveObstacle, deleteLeftKeys } from '../ending/archive.ts';
import { createGateContents } from '../gate/redis/gate-contents.ts';
import { createGateEnd } from '../gate/redis/gate-end.ts';
import { createGateReader } from '../gate/redis/gate-reader.ts';
import { createGateLocks } from '../gate/redis/locks.ts';
import { endStore } from '../ledger/end-store.ts';
import type { Ledger } from '../ledger/pool.ts';
import { limits } from '../process/limits.ts';
import type { RedisClient } from '../redis/connection.ts';
import type { Retries } from '../retry/port.ts';

export interface EndingParts {
  redis: RedisClient;
  ledger: Ledger;
  retries: Pick<Retries, 'list'>;
  /** Who does it: a worker, or a front. */
  name: string;
}

/** Who is said to have asked for what a setting asks for. */
const BY_SETTING = 'retention';

export type ComposedEnding = ReturnType<typeof composeEnding>;

export function composeEnding({ redis, ledger, retries, name }: EndingParts) {
  const store = endStore(ledger);
  const end = createGateEnd(redis);
  const deps: ArchiveDeps = {
    locks: createGateLocks(redis),
    end,
    contents: createGateContents(redis),
    readGates: createGateReader(redis),
    listRetries: (campaign) => retries.list(campaign),
    ledger: store,
  };
  async function known(id: string) {
    const campaign = await store.get(id);
    if (campaign === undefined) throw new Fault('not-found', 'There is no such campaign');
    return campaign;
  }
  return {
    /** What an archive, or a purge, would do now. Throws a Fault. */
    async report(id: string, wanted: 'archive' | 'purge'): Promise<EndReport> {
      const campaign = await known(id);
      const obstacle =
        wanted === 'archive' ? await archiveObstacle(deps, campaign) : await store.purgeObstacle(campaign);
      const keys = await end.countKeys(campaign);
      const rows = wanted === 'purge' ? await store.countRows(id) : {};
      return { campaign: id, dryRun: true, obstacle: obstacle ?? null, keys, rows };
    },
    archive: (id: string, actor: string = BY_SETTING) => archive(deps, id, actor, name),
    deleteLeftKeys: (stopping: AbortSignal, restMs: number = limits.keysDeletedAgainMs) =>
      deleteLeftKeys(deps, restMs, stopping),
    findDue: (archiveMs: number, purgeMs: number | undefined) =>
      store.findDue({ archiveMs, purgeMs, keysRestMs: limits.keysDeletedAgainMs }),
    listToArchive: (retainMs: number, after: string) => store.listToArchive(retainMs, after),
    listToPurge: (retainMs: number) => store.listToPurge(retainMs),
    purge: async (id: string, actor: string = BY_SETTING) => {
      const campaign = await known(id);
      return store.purge(campaign.id, actor, await store.countRows(id));
    },
    /** Deletes rows of a purged campaign for up to `ms`; what is left is for a worker. */
    deleteRows: (id: string, ms: number) => {
      const giveUpAt = performance.now() + ms;
      return store.deleteRows(id, () => performance.now() > giveUpAt);
    },
    /** Deletes rows of purged campaigns until the next look: the archives of other campaigns wait no longer for it. */
    async deleteLeftRows(stopping: AbortSignal): Promise<void> {
      const giveUpAt = performance.now() + limits.endLookMs;
      const isEnough = () => stopping.aborted || performance.now() > giveUpAt;
      for (const id of await store.listWithRows()) {
        if (isEnough()) return;
        await store.deleteRows(id, isEnough);
      }
    },
    findUser: (user: string) => store.findUser(user),
    eraseUser: (user: string, actor: string) => store.eraseUser(user, actor),
    eraseLeft: () => store.eraseLeft(),
  };
}
