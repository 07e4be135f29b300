import { expect, test } from 'vitest';
import { projectCampaign } from '../../src/desk/campaign-desk.ts';
import type { Phase } from '../../src/domain/campaign.ts';
import { reapConsumers } from '../../src/gate/redis/consumers.ts';
import { createLines } from '../../src/gate/redis/lines.ts';
import { ensureGroups } from '../../src/gate/redis/work-groups.ts';
import { GROUP, keys } from '../../src/redis/keys.ts';
import { type JanitorDeps, tidyUp } from '../../workers/janitor.ts';
import { startFront } from '../helpers/processes.ts';
import { redisUrl, startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { type Duties, openDuties, users } from './duties.ts';

const database = ownDatabase();

/** Runs the janitor; gives the campaigns whose gates it called lost. */
function tidy(duties: Duties, told: Partial<JanitorDeps> = {}): string[] {
  const lost: string[] = [];
  const { store, gate, readGates, redis, errors } = duties;
  const lines = createLines(redis);
  duties.run((stopping) =>
    tidyUp(
      {
        store,
        gate,
        readGates,
        // Whoever has swept before, this one's turn is now, and then once in a while.
        lines: { ...lines, takeSweep: async () => true },
        holder: 'tests',
        countRetries: () => duties.retries.count(),
        onLook: () => undefined,
        reapConsumers: (campaign, shards, idleMs) => reapConsumers(redis, campaign, shards, idleMs),
        onGateLost: (campaign) => lost.push(campaign),
        onDeadLetters: () => undefined,
        onCounted: () => undefined,
        onError: (error) => errors.push(error),
        ...told,
      },
      stopping,
    ),
  );
  return lost;
}

const versionOf = async (duties: Duties, campaign: string) =>
  Number(await duties.redis.hget(keys.gate(campaign), 'version'));

test('a crash between the ledger and the gate is healed, also for a campaign that has no gate yet', async (t) => {
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 10 });
  const born = (await duties.store.create({ id: `${campaign}-new`, stock: 5 }, 'tester')).campaign.id;
  await duties.store.setState(campaign, 'paused', 'tester');
  expect(await versionOf(duties, campaign)).toBe(1);
  tidy(duties);
  await until(
    'both gates follow',
    5_000,
    async () => (await versionOf(duties, campaign)) === 2 && (await versionOf(duties, born)) === 1,
  );
  expect((await duties.readGates([campaign, born])).map((view) => view?.state)).toEqual(['paused', 'active']);
  expect(await duties.store.get(campaign)).toMatchObject({ version: 2, projectedVersion: 2 });
  await until('nothing is left to do', 3_000, async () => (await duties.store.listUnprojected()).length === 0);
});

test('dead letters that wait for a person are counted by reason, over all campaigns', async (t) => {
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger: database.open() });
  const counts: ReadonlyMap<string, number>[] = [];
  const before = (await duties.store.countLettersByReason()).get('malformed-entry') ?? 0;
  for (const seq of [1, 2, 3]) {
    await duties.issuerDeps.keepMalformed(`letters-${seq % 2}`, 1, seq, '{}');
  }
  tidy(duties, { onDeadLetters: (count) => void counts.push(count) });
  await until('they are counted', 5_000, async () => counts.length > 0);
  expect(counts[0]?.get('malformed-entry')).toBe(before + 3);
});

test('a sweep counts the live campaigns by phase', async (t) => {
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger: database.open() });
  const counts: Record<Phase, number>[] = [];
  const onCounted = (phases: Record<Phase, number>) => void counts.push(phases);
  await duties.openCampaign({ stock: 10 });
  const sold = await duties.openCampaign({ stock: 1 });
  await duties.client().admit(sold, users(1, 1));
  await duties.store.setState(await duties.openCampaign({ stock: 10 }), 'paused', 'tester');
  tidy(duties, { onCounted });
  // The pause reaches its gate in the first round, perhaps after the sweep of that round.
  await until('all phases are counted', 20_000, () =>
    counts.some((phases) => phases.open > 0 && phases['sold-out'] > 0 && phases.paused > 0),
  );
});

test('a late projection of an older version changes nothing', async (t) => {
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 10 });
  const paused = await duties.store.setState(campaign, 'paused', 'tester');
  const resumed = await duties.store.setState(campaign, 'active', 'tester');
  await projectCampaign(duties, resumed);
  await projectCampaign(duties, paused);
  expect((await duties.readGates([campaign]))[0]).toMatchObject({ state: 'active', version: 3 });
  expect(await duties.store.get(campaign)).toMatchObject({ projectedVersion: 3 });
});

test('a silent consumer is deleted only when it holds nothing, and its entries go on to somebody else', async (t) => {
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger: database.open(), claimIdleMs: 300 });
  const campaign = await duties.openCampaign({ stock: 10 });
  const client = duties.client();
  const names = async () =>
    ((await duties.redis.xinfo('CONSUMERS', keys.work(campaign, 0), GROUP).catch(() => [])) as unknown[][]).map(
      (info) => info[1],
    );
  await ensureGroups(duties.redis, campaign, 1);
  await duties.redis.xgroup('CREATECONSUMER', keys.work(campaign, 0), GROUP, 'empty');
  const tickets = await client.admit(campaign, users(1, 10));
  const holding = duties.source(campaign, 'holding');
  await until('all received', 3_000, async () => (await holding.receive(100)).length > 0);
  await holding.close();
  expect(await names()).toEqual(expect.arrayContaining(['empty', 'holding']));
  expect(await reapConsumers(duties.redis, campaign, 1, 60_000)).toBe(0);
  const idleMs = async () =>
    ((await duties.redis.xinfo('CONSUMERS', keys.work(campaign, 0), GROUP)) as unknown[][]).map((info) =>
      Number(info[5]),
    );
  await until('both are silent', 3_000, async () => (await idleMs()).every((ms) => ms > 50));
  expect(await reapConsumers(duties.redis, campaign, 1, 50)).toBe(1);
  expect(await names()).toEqual(['holding']);

  duties.issue(campaign, { workerName: 'heir' });
  for (const ticket of tickets) await client.untilStatus(ticket, 'issued');
  expect(await reapConsumers(duties.redis, campaign, 1, -1)).toBeGreaterThanOrEqual(1);
  expect(await names()).not.toContain('holding');
});

test('a campaign that is closed and settled is declared drained, one with a ticket under way is not', async (t) => {
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger: database.open() });
  const [busy, done] = [await duties.openCampaign({ stock: 5 }), await duties.openCampaign({ stock: 5 })];
  const client = duties.client();
  await client.admit(busy, ['user-1']);
  for (const id of [busy, done]) await projectCampaign(duties, await duties.store.setState(id, 'closed', 'tester'));
  tidy(duties);
  const liveIds = async () => (await duties.store.listLiveCampaigns()).map(({ id }) => id);
  await until('the settled one is drained', 5_000, async () => !(await liveIds()).includes(done));
  expect(await liveIds()).toContain(busy);
});

test('a campaign that is done with and has a ticket waiting again is looked at again', async (t) => {
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger: database.open() });
  const [restored, done] = [await duties.openCampaign({ stock: 5 }), await duties.openCampaign({ stock: 5 })];
  await duties.client().admit(restored, ['user-1']);
  for (const id of [restored, done]) {
    const { version } = await duties.store.setState(id, 'closed', 'tester');
    await duties.store.markDrained(id, version);
  }
  tidy(duties);
  const liveIds = async () => (await duties.store.listLiveCampaigns()).map(({ id }) => id);
  await until('it is live', 5_000, async () => (await liveIds()).includes(restored));
  expect(await liveIds()).not.toContain(done);
});

test('a lost gate is never made again by a projection: joins stay refused, and the janitor calls for help', async (t) => {
  const redis = await startRedis(t);
  const stores = { redisUrl: redis.url, databaseUrl: database.url() };
  const duties = openDuties(t, { redisUrl: redis.url, ledger: database.open() });
  const front = await startFront(t, stores);
  const campaign = await duties.openCampaign({ stock: 5 });
  const join = (user: string) =>
    fetch(`${front.url}/v1/campaigns/${campaign}/tickets`, { method: 'POST', headers: { 'x-user-id': user } });
  expect((await join('user-1')).status).toBe(202);
  await duties.redis.del(keys.gate(campaign));
  await duties.store.setState(campaign, 'paused', 'tester');
  await duties.store.setState(campaign, 'active', 'tester');
  const lost = tidy(duties);
  await until('the janitor calls', 5_000, () => lost.filter((id) => id === campaign).length >= 2);
  const statuses = new Set<number>();
  for (let user = 2; user < 12; user += 1) statuses.add((await join(`user-${user}`)).status);
  expect([...statuses].filter((status) => status !== 503)).toEqual([]);
  expect(await duties.redis.exists(keys.gate(campaign))).toBe(0);
});

test('a line that somebody deleted is made again from the gates, and nothing of it is lost', async (t) => {
  const { url } = await startRedis(t);
  const duties = openDuties(t, { redisUrl: url, ledger: database.open() });
  const campaign = await duties.openCampaign({ stock: 5 });
  const tickets = await duties.client().admit(campaign, users(1, 5));
  await duties.redis.del(keys.turns(campaign));
  tidy(duties);
  duties.issue(campaign);
  for (const ticket of tickets) await duties.client().untilStatus(ticket, 'issued');
  expect(await duties.redis.zscore(keys.turns(campaign), campaign)).toBeNull();
});

test('what is in line and has no tickets, no gate or no row in the ledger is taken out', async (t) => {
  const { url } = await startRedis(t);
  const duties = openDuties(t, { redisUrl: url, ledger: database.open() });
  const quiet = await duties.openCampaign({ stock: 5 });
  const [gateless, unknown] = [`${quiet}-gone`, `${quiet}-purged`];
  await duties.redis.hset(keys.gate(unknown), 'epoch', 1, 'shards', 1, 'seq', 3, 'settled', 1);
  for (const id of [quiet, gateless, unknown]) await duties.redis.zadd(keys.turns(id), '+inf', id);
  const lines = createLines(duties.redis);
  await duties.client().admit(quiet, ['user-1']);
  tidy(duties);
  await until('the lines are true', async () => {
    const inLine = await lines.campaigns();
    return inLine.includes(quiet) && !inLine.includes(gateless) && !inLine.includes(unknown);
  });
});

test('what waits is counted from the lines, and what is retried from the queue', async (t) => {
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger: database.open() });
  const before = (await createLines(duties.redis).waiting()).ticketCount;
  await duties.client().admit(await duties.openCampaign({ stock: 5 }), users(1, 4));
  const seen: [number, number][] = [];
  tidy(duties, { onLook: (backlog, retrying) => void seen.push([backlog, retrying]) });
  await until('they are counted', () => seen.length > 0);
  expect(seen[0]).toEqual([before + 4, await duties.retries.count()]);
});
