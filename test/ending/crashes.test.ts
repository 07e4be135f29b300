// A worker is killed at every step of an archive; another one goes on. It ends the same, whoever comes first.
import { expect, test } from 'vitest';
import { composeRecovery } from '../../src/composition/recovery.ts';
import { Fault, isFault } from '../../src/domain/fault.ts';
import { userTag } from '../../src/domain/ids.ts';
import { getCampaign } from '../../src/ledger/campaigns.ts';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import { cancellationStore } from '../../src/ledger/letter-store.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { markProjected } from '../../src/ledger/projections.ts';
import type { RedisClient } from '../../src/redis/connection.ts';
import { keys } from '../../src/redis/keys.ts';
import { openRetries } from '../../src/retry/bullmq.ts';
import { redisUrl } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { fronts } from '../http/front.ts';
import { drain, endedSale, keysOf, openEnding } from './ended-sale.ts';

const file = fronts();
const front = file.shared();

/** What a process may still do before it is killed. */
class Life {
  private left: number;
  isDead = false;
  constructor(steps: number) {
    this.left = steps;
  }
  /** An effect begins, or its answer arrives. */
  step(): void {
    if (this.left <= 0) this.isDead = true;
    if (this.isDead) throw new Fault('redis-unavailable', 'killed', { retryable: true });
    this.left -= 1;
  }
}

const EFFECTS = new Set(['evalsha', 'eval', 'set', 'unlink', 'exists']);

/** The same connection, as a process has it that is killed before an effect or behind it. */
const mortalRedis = (redis: RedisClient, life: Life): RedisClient =>
  new Proxy(redis, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function') return value;
      if (!EFFECTS.has(String(name))) return value.bind(target);
      return async (...args: unknown[]) => {
        life.step();
        const answer: unknown = await (value as (...given: unknown[]) => unknown).apply(target, args);
        life.step();
        return answer;
      };
    },
  });

/** A transaction of a process that is killed within it is rolled back; killed behind it, it stands. */
const mortalLedger = (ledger: Ledger, life: Life): Ledger => ({
  ...ledger,
  transaction: async (work) => {
    life.step();
    const done = await ledger.transaction(async (tx) => {
      const result = await work(tx);
      life.step();
      return result;
    });
    life.step();
    return done;
  },
});

test.for(['another worker archives it', 'a recoverer comes first'])(
  'a kill at any step of an archive ends the same: %s',
  async (who, t) => {
    const ledger = file.ledger();
    const { redis } = front();
    const retries = openRetries({ url: redisUrl(), onError: () => undefined });
    t.onTestFinished(() => retries.close());
    const recovery = composeRecovery({ redis, ledger, retries, durability: 'disk', graceMs: 0 });
    const another = openEnding(t, { redis, ledger, name: 'worker-2' });
    let steps = 0;
    for (let survived = false; !survived; steps += 1) {
      const { id, tickets } = await endedSale(front(), ledger, { count: 2 });
      const life = new Life(steps);
      const killed = openEnding(t, { redis: mortalRedis(redis, life), ledger: mortalLedger(ledger, life) });
      survived = await killed.archive(id, 'tester').then(
        () => true,
        () => false,
      );
      // Its lease ends by itself after a while.
      await redis.del(keys.recovery(id));
      if (who === 'a recoverer comes first') {
        await recovery.recover(id, 'worker-3');
        // What a recoverer had to rebuild is live again until the janitor has looked.
        if ((await getCampaign(ledger, id))!.archivedAt === null) await drain(ledger, id);
      }
      const told = [steps, await another.archive(id, 'tester')];
      expect(told).toEqual([steps, undefined]);
      expect([steps, await keysOf(redis, id)]).toEqual([steps, []]);
      expect([steps, await recovery.recover(id, 'worker-3')]).toEqual([steps, undefined]);
      expect([steps, await keysOf(redis, id)]).toEqual([steps, []]);
      for (const ticket of tickets)
        await until('it is told', 60_000, async () => (await front().poll(ticket)).body.status === 'issued');
      const audit = await file.database.sql("SELECT actor FROM audit_log WHERE campaign = ? AND action = 'archive'", [
        id,
      ]);
      expect([steps, audit.length]).toEqual([steps, 1]);
    }
    // Lease, count of keys apart: shut, commit, two deletions, release, each with what is before and behind it.
    expect(steps).toBeGreaterThan(8);
  },
);

test('two workers and an operator archive one campaign at once, beside a buyer who gives back', async (t) => {
  const ledger = file.ledger();
  const { redis } = front();
  const sale = await endedSale(front(), ledger, { count: 4 });
  const { id, tickets } = sale;
  const [one, two] = [openEnding(t, { redis, ledger, name: 'w1' }), openEnding(t, { redis, ledger, name: 'w2' })];
  await Promise.all([
    one.archive(id, 'w1'),
    front().giveBack(tickets[0]!),
    two.archive(id, 'w2'),
    front().admin('POST', `/admin/campaigns/${id}/archive`, { dryRun: false }),
    front().giveBack(tickets[1]!),
  ]);
  // Whoever came between, what was given back is finished, and then it is archived.
  await file.database.sql('UPDATE cancellations SET returned_at = NOW(3) WHERE campaign = ? AND returned_at IS NULL', [
    id,
  ]);
  await until('it is archived', 60_000, async () => (await one.archive(id, 'w1')) === undefined);
  expect(await keysOf(redis, id)).toEqual([]);
  const rows = await file.database.sql('SELECT unit FROM issuances WHERE campaign = ? ORDER BY unit', [id]);
  const held = new Set(rows.map(({ unit }) => Number(unit)));
  for (const [index, ticket] of tickets.entries()) {
    const status = held.has(index + 1) ? 'issued' : 'cancelled';
    await until(
      `${index} is told as it stands`,
      60_000,
      async () => (await front().poll(ticket)).body.status === status,
    );
  }
  expect(
    await file.database.sql("SELECT COUNT(*) AS n FROM audit_log WHERE campaign = ? AND action = 'archive'", [id]),
  ).toEqual([{ n: 1 }]);
});

test('what slept through the end writes nothing: a batch, a letter, a give-back, a projection', async (t) => {
  const ledger = file.ledger();
  const { redis, gate } = front();
  const { id } = await endedSale(front(), ledger);
  const asleep = (await getCampaign(ledger, id))!;
  await openEnding(t, { redis, ledger }).archive(id, 'tester');
  const row = { campaign: id, unit: 9, user: 'u9', seq: 9, epoch: 1, code: 'A'.repeat(16), admittedAt: 1 };
  await expect(issueBatch(ledger, [row], asleep.epoch)).rejects.toMatchObject({ code: 'stale-epoch' });
  const letter = {
    campaign: id,
    epoch: 1,
    seq: 9,
    unit: 9,
    user: 'u9',
    admittedAt: 1,
    reason: 'rejected',
    attempts: 1,
  };
  await expect(keepDeadLetter(ledger, letter, asleep.epoch)).rejects.toMatchObject({ code: 'stale-epoch' });
  const given = { campaign: id, tag: userTag(id, 'user-1'), user: 'user-1', unit: 1, names: [{ epoch: 1, seq: 1 }] };
  const cancellations = cancellationStore(ledger);
  for (const late of [cancellations.cancel, cancellations.recordCancelled, cancellations.recordWish])
    expect(isFault(await late(given).catch((error: unknown) => error), 'archived')).toBe(true);
  expect(await gate.project({ ...asleep, version: asleep.version + 1 }, false)).toBe('missing');
  await expect(gate.admit(asleep, [{ tag: given.tag, user: 'user-1', trace: '' }], 0)).rejects.toMatchObject({
    code: 'gate-missing',
  });
  await markProjected(ledger, id, asleep.version);
  expect(await keysOf(redis, id)).toEqual([]);
  expect(await file.database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [id])).toEqual([{ n: 3 }]);
});
