// Many who hold a unit, a gate that knows none of them, and builders that die.
import { expect, type TestContext } from 'vitest';
import { userTag } from '../../src/domain/ids.ts';
import type { GateBuilder } from '../../src/gate/port.ts';
import type { Build } from '../../src/gate/rebuild-port.ts';
import { createGateBuilder } from '../../src/gate/redis/gate-builder.ts';
import { createGateContents } from '../../src/gate/redis/gate-contents.ts';
import { epochStore } from '../../src/ledger/epoch-store.ts';
import { reconcile } from '../../src/recovery/reconcile.ts';
import { type RecoverDeps, recoverGate } from '../../src/recovery/recover.ts';
import { rethrow } from '../../src/redis/connection.ts';
import { keys } from '../../src/redis/keys.ts';
import { loadScript, runScript } from '../../src/redis/scripts.ts';
import { insertOfRows } from '../helpers/many-rows.ts';
import { redisUrl } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import type { OwnDatabase } from '../ledger/own-database.ts';
import { openDuties } from '../workers/duties.ts';

export const ROWS = 20_000;
/** Every so many units there is one that no row has. */
export const GAP = 700;
const DIED = new Error('the builder died');

/** A campaign whose gate knows nobody of the many who hold a unit. */
export async function manyHolders(t: TestContext, database: OwnDatabase, { url = redisUrl(), rows = ROWS } = {}) {
  const ledger = database.open();
  const duties = openDuties(t, { redisUrl: url, ledger });
  const campaign = await duties.openCampaign({ stock: ROWS + 1_000, shards: 2 });
  const many = insertOfRows(campaign, rows, GAP);
  await database.sql(many.sql, many.params);
  const gates = createGateBuilder(duties.redis, 0);
  const parts = {
    gates,
    contents: createGateContents(duties.redis),
    readGates: duties.readGates,
    ledger: epochStore(ledger),
    listRetries: (id: string) => duties.retries.list(id),
    worker: 'tester',
    graceMs: 0,
  };
  const recover = (other: Partial<RecoverDeps> = {}) => recoverGate({ ...parts, ...other }, campaign, true);
  return {
    ...duties,
    campaign,
    parts,
    recover,
    /** A builder that dies when it has added this many pages. */
    dieAfter: async (pageCount: number) => {
      let count = 0;
      const add: GateBuilder['add'] = async (...rest) => {
        if (count === pageCount) throw DIED;
        count += 1;
        await gates.add(...rest);
      };
      await expect(recover({ gates: { ...gates, add } })).rejects.toBe(DIED);
    },
    /** Resolves when Redis answers again, the retry queue, too. */
    untilBack: () =>
      until('Redis answers', () =>
        Promise.all([duties.redis.ping(), duties.retries.list(campaign)]).catch(() => undefined),
      ),
    builtUnit: async () => Number(await duties.redis.hget(keys.gate(campaign), 'built_unit')),
    epochs: () => database.sql('SELECT epoch, reason FROM epochs WHERE campaign = ? ORDER BY epoch', [campaign]),
    view: async () => (await duties.readGates([campaign]))[0]!,
    tagOf: (number: number) => userTag(campaign, `user-${number}`),
    giveBack: (number: number) =>
      duties.cancellations.cancel({
        campaign,
        tag: userTag(campaign, `user-${number}`),
        user: `user-${number}`,
        unit: number,
        names: [{ epoch: 1, seq: number }],
      }),
    free: async () => (await duties.redis.zrange(keys.free(campaign), '0', '-1')).map(Number),
    // Units that never had a row look like tickets that were lost.
    differences: async () => (await reconcile(parts, campaign))!.filter(({ kind }) => kind !== 'ticket-lost'),
  };
}

/** What each write of a builder is answered: the codes of its faults. */
export async function answersTo({ parts, redis, campaign }: Awaited<ReturnType<typeof manyHolders>>, build: Build) {
  const { gates, ledger } = parts;
  const stored = (await ledger.get(campaign))!;
  const forget = async () =>
    runScript(
      redis,
      loadScript('rebuild-forget'),
      [keys.gate(campaign), keys.users(campaign, 0)],
      Object.values(build),
    );
  const answers: unknown[] = [];
  for (const write of [
    () => forget().catch(rethrow),
    () => gates.add(stored, build, { freeUnits: [7] }),
    () => gates.drop(campaign, build, 0, ['1-0']),
    () => gates.finish(stored, build, { seq: 600, nextUnit: 600, retryingCount: 0, cancelledCount: 0 }, [], 0),
  ]) {
    answers.push(
      await write().then(
        () => 'done',
        ({ code }: { code: string }) => code,
      ),
    );
  }
  return answers;
}
