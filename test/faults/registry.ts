// Every case there is. To add one:
//   1. Write it in test/faults/cases/<theme>.ts as a FaultCase (case.ts says what each field means): `stage.house()` gives
//      a front, workers, stores and a proxy on each link; `house.openSale()` a sale; `sale.crowd()` a crowd; hurt
//      something; `await crowd.ended`; `await sale.check()` judges I1 to I7.
//   2. Return a finding for each of its numbers: what was injected, what was seen (both in figures), and the claims of
//      the catalogue's promise that its checker cannot know, by name. A number without a claim of its own fails.
//   3. Add its list below, and take its number out of not-covered.json; a test holds the two together.
// Choose by `stage.chance` alone: then `--seed` makes the same choices again. A promise that does not hold yet is marked
// `awaits`, never weakened: it is listed loudly, and runs when its number is asked for.
import type { FaultCase } from './case.ts';
import { acceptance } from './cases/acceptance.ts';
import { clients } from './cases/clients.ts';
import { forgetfulStores } from './cases/forgetful-stores.ts';
import { kafka } from './cases/kafka.ts';
import { ledger } from './cases/ledger.ts';
import { ledgerOutages } from './cases/ledger-outages.ts';
import { lostReplies } from './cases/lost-replies.ts';
import { machines } from './cases/machines.ts';
import { names } from './cases/names.ts';
import { overload } from './cases/overload.ts';
import { provedBySuite } from './cases/proved-by-suite.ts';
import { rebuilds } from './cases/rebuilds.ts';
import { recoveries } from './cases/recoveries.ts';
import { redisDisk } from './cases/redis-disk.ts';
import { redisOutages } from './cases/redis-outages.ts';
import { retries } from './cases/retries.ts';
import { roles } from './cases/roles.ts';
import { scripts } from './cases/scripts.ts';
import { starts } from './cases/starts.ts';
import { streams } from './cases/streams.ts';
import { suites } from './cases/suites.ts';
import { work } from './cases/work.ts';
import { workerCrashes } from './cases/worker-crashes.ts';

export const CASES: readonly FaultCase[] = [
  ...acceptance,
  ...clients,
  ...forgetfulStores,
  ...kafka,
  ...ledger,
  ...ledgerOutages,
  ...lostReplies,
  ...machines,
  ...names,
  ...overload,
  ...provedBySuite,
  ...rebuilds,
  ...recoveries,
  ...redisDisk,
  ...redisOutages,
  ...retries,
  ...roles,
  ...scripts,
  ...starts,
  ...streams,
  ...suites,
  ...work,
  ...workerCrashes,
].toSorted((a, b) => a.numbers[0]! - b.numbers[0]!);
