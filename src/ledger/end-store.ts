// The ends of campaigns in one ledger as an object, for those who must not know the ledger.
import type { StoredCampaign } from '../domain/campaign.ts';
import type { GivenBack } from '../domain/cancellation.ts';
import { getCampaign } from './campaigns.ts';
import { recordCancelled } from './cancellations.ts';
import { findDue, listToArchive, listToPurge, listWithKeys, listWithRows } from './due-ends.ts';
import { archiveCampaign, archiveObstacle, cancelledTags, expectKeys, markKeysDeleted } from './ends.ts';
import { eraseLeft, eraseUser, findUser } from './erasures.ts';
import type { Ledger } from './pool.ts';
import { countRows, deleteRows, purgeCampaign, purgeObstacle } from './purges.ts';

type Rest<F> = F extends (ledger: Ledger, ...rest: infer Args) => unknown ? Args : never;

/** The functions of ends.ts, purges.ts and erasures.ts with their ledger given. */
export const endStore = (ledger: Ledger) => ({
  get: (id: string) => getCampaign(ledger, id),
  archive: (...rest: Rest<typeof archiveCampaign>) => archiveCampaign(ledger, ...rest),
  obstacle: (campaign: StoredCampaign) => archiveObstacle(ledger.db, campaign),
  cancelledTags: (...rest: Rest<typeof cancelledTags>) => cancelledTags(ledger, ...rest),
  recordCancelled: (given: GivenBack) => recordCancelled(ledger, given),
  findDue: (...rest: Rest<typeof findDue>) => findDue(ledger, ...rest),
  listToArchive: (...rest: Rest<typeof listToArchive>) => listToArchive(ledger, ...rest),
  listWithKeys: (restMs: number) => listWithKeys(ledger, restMs),
  markKeysDeleted: (...rest: Rest<typeof markKeysDeleted>) => markKeysDeleted(ledger, ...rest),
  expectKeys: (id: string) => expectKeys(ledger, id),
  purge: (...rest: Rest<typeof purgeCampaign>) => purgeCampaign(ledger, ...rest),
  purgeObstacle: (campaign: StoredCampaign) => purgeObstacle(ledger.db, campaign),
  listToPurge: (retainMs: number) => listToPurge(ledger, retainMs),
  listWithRows: () => listWithRows(ledger),
  countRows: (id: string) => countRows(ledger, id),
  deleteRows: (...rest: Rest<typeof deleteRows>) => deleteRows(ledger, ...rest),
  findUser: (user: string) => findUser(ledger, user),
  eraseUser: (...rest: Rest<typeof eraseUser>) => eraseUser(ledger, ...rest),
  eraseLeft: () => eraseLeft(ledger),
});
