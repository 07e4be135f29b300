import { expect, test } from 'vitest';
import type { CampaignSpec } from '../../src/domain/campaign.ts';
import { campaignStore } from '../../src/ledger/campaign-store.ts';
import { changeCampaign, countIssued, getCampaign, setCampaignState } from '../../src/ledger/campaigns.ts';
import { createCampaign } from '../../src/ledger/creations.ts';
import { listLiveCampaigns } from '../../src/ledger/gated.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import { listUnprojected, markDrained, markProjected } from '../../src/ledger/projections.ts';
import { addStock } from '../../src/ledger/stock.ts';
import { uniqueName } from '../helpers/services.ts';
import { expectBetween, ownDatabase } from './own-database.ts';
import { openSale } from './sale.ts';

const database = ownDatabase();

const specOf = (other: Partial<CampaignSpec> = {}): CampaignSpec => ({
  id: uniqueName('sale'),
  name: '겨울 세일 ❄ 2026',
  stock: 100_000,
  opensAt: 1_798_102_800_123,
  closesAt: 1_798_102_860_999,
  ratePerSecond: 500,
  burst: 1_000,
  backlogMax: 20_000,
  shards: 8,
  ...other,
});

const auditOf = (campaign: string) =>
  database.sql('SELECT actor, action, `before`, `after` FROM audit_log WHERE campaign = ? ORDER BY id', [campaign]);

test('a campaign is kept as it was given, to the millisecond', async () => {
  const ledger = database.open();
  const spec = specOf();
  const from = Date.now();
  const { created, campaign } = await createCampaign(ledger, spec, 'kim');
  expect(created).toBe(true);
  expect(campaign).toMatchObject({
    ...spec,
    buckets: 1_112,
    state: 'active',
    version: 1,
    projectedVersion: 0,
    drainedAt: null,
    archivedAt: null,
    purgedAt: null,
    epoch: 1,
  });
  expectBetween(from, campaign.createdAt);
  expect(await getCampaign(ledger, spec.id)).toEqual(campaign);
  expect(await getCampaign(ledger, 'nobody')).toBeUndefined();
});

test('a campaign that says little has no limits, and at least 16 buckets', async () => {
  const { campaign } = await createCampaign(database.open(), { id: uniqueName('sale'), stock: 1 }, 'kim');
  const free = { opensAt: null, closesAt: null, ratePerSecond: 0, backlogMax: 0, buckets: 16 };
  expect(campaign).toMatchObject({ name: campaign.id, ...free });
});

test('creating again is harmless with the same spec, also after changes, and a conflict with another', async () => {
  const ledger = database.open();
  const spec = specOf();
  const both = await Promise.all([1, 2, 3, 4].map(() => createCampaign(ledger, spec, 'kim')));
  expect(both.filter(({ created }) => created)).toHaveLength(1);
  await addStock(ledger, spec.id, 5, 'k', 'kim');
  const again = await createCampaign(ledger, spec, 'lee');
  expect(again).toMatchObject({ created: false, campaign: { stock: 100_005, version: 2 } });
  const other = createCampaign(ledger, { ...spec, stock: 100_005 }, 'lee');
  await expect(other).rejects.toMatchObject({ code: 'conflict' });
  expect(await auditOf(spec.id)).toHaveLength(2);
});

test.for<[string, Partial<CampaignSpec>]>([
  ['an id that is none', { id: 'Not-An-Id' }],
  ['no stock', { stock: 0 }],
  ['a broken stock', { stock: 1.5 }],
  ['a stock beyond all units', { stock: 2 ** 32 }],
  ['a negative rate', { ratePerSecond: -1 }],
  ['a time that is none', { opensAt: Number.NaN }],
  ['a name beyond its column', { name: 'x'.repeat(201) }],
  ['a name that UTF-8 cannot hold', { name: '\ud800' }],
])('%s is invalid and leaves nothing behind', async ([, wrong]) => {
  const ledger = database.open();
  const spec = specOf(wrong);
  await expect(createCampaign(ledger, spec, 'kim')).rejects.toMatchObject({ code: 'invalid' });
  expect(await getCampaign(ledger, spec.id)).toBeUndefined();
  await database
    .sql('SELECT 1 FROM idempotency_keys WHERE `key` = ?', [spec.id])
    .then((rows) => expect(rows).toEqual([]));
});

test('every change counts the version, makes the campaign live again and writes who did what', async () => {
  const ledger = database.open();
  const { id } = (await createCampaign(ledger, specOf(), 'kim')).campaign;
  await markProjected(ledger, id, 1);
  await markDrained(ledger, id, 1);
  const changed = await changeCampaign(ledger, id, { ratePerSecond: 0, closesAt: null, name: undefined }, 'lee');
  expect(changed).toMatchObject({ version: 2, ratePerSecond: 0, closesAt: null, burst: 1_000 });
  expect((await setCampaignState(ledger, id, 'paused', 'lee')).version).toBe(3);
  expect((await setCampaignState(ledger, id, 'active', 'lee')).version).toBe(4);
  expect((await setCampaignState(ledger, id, 'closed', 'park')).version).toBe(5);
  expect((await listLiveCampaigns(ledger)).map((campaign) => campaign.id)).toContain(id);
  const audit = await auditOf(id);
  expect(audit.map(({ actor, action }) => [actor, action])).toEqual([
    ['kim', 'create'],
    ['lee', 'change'],
    ['lee', 'pause'],
    ['lee', 'resume'],
    ['park', 'close'],
  ]);
  expect(audit[0]!.before).toBeNull();
  const [before, after] = [audit[1]!.before, audit[1]!.after].map((text) => JSON.parse(text as string));
  expect(before).toMatchObject({ version: 1, ratePerSecond: 500 });
  expect(after).toMatchObject({ version: 2, ratePerSecond: 0 });
});

test('a change that changes nothing is no change', async () => {
  const ledger = database.open();
  const { id } = (await createCampaign(ledger, specOf(), 'kim')).campaign;
  await setCampaignState(ledger, id, 'active', 'kim');
  await changeCampaign(ledger, id, { burst: 1_000, opensAt: 1_798_102_800_123 }, 'kim');
  await changeCampaign(ledger, id, {}, 'kim');
  expect((await getCampaign(ledger, id))?.version).toBe(1);
  expect(await auditOf(id)).toHaveLength(1);
});

test('closed is final', async () => {
  const ledger = database.open();
  const { id } = (await createCampaign(ledger, specOf(), 'kim')).campaign;
  await setCampaignState(ledger, id, 'closed', 'kim');
  expect((await setCampaignState(ledger, id, 'closed', 'kim')).version).toBe(2);
  const refused = { code: 'conflict', retryable: false };
  await expect(setCampaignState(ledger, id, 'active', 'kim')).rejects.toMatchObject(refused);
  await expect(setCampaignState(ledger, id, 'paused', 'kim')).rejects.toMatchObject(refused);
  await expect(changeCampaign(ledger, id, { burst: 7 }, 'kim')).rejects.toMatchObject(refused);
  await expect(addStock(ledger, id, 1, 'k', 'kim')).rejects.toMatchObject(refused);
  expect(await auditOf(id)).toHaveLength(2);
});

test('a campaign nobody created is not found, and a patch that cannot be kept is invalid', async () => {
  const ledger = database.open();
  const missing = { code: 'not-found' };
  await expect(changeCampaign(ledger, 'nobody', { burst: 1 }, 'kim')).rejects.toMatchObject(missing);
  await expect(setCampaignState(ledger, 'nobody', 'closed', 'kim')).rejects.toMatchObject(missing);
  await expect(addStock(ledger, 'nobody', 1, 'k', 'kim')).rejects.toMatchObject(missing);
  const { id } = (await createCampaign(ledger, specOf(), 'kim')).campaign;
  const early = changeCampaign(ledger, id, { closesAt: 1_798_102_800_123 }, 'kim');
  await expect(early).rejects.toMatchObject({ code: 'conflict' });
  expect((await getCampaign(ledger, id))?.version).toBe(1);
});

test('changes at the same time are made one after the other', async () => {
  const ledger = database.open();
  const { id } = (await createCampaign(ledger, specOf(), 'kim')).campaign;
  await Promise.all(Array.from({ length: 12 }, (_, i) => changeCampaign(ledger, id, { burst: 2_000 + i }, `${i}`)));
  expect((await getCampaign(ledger, id))?.version).toBe(13);
  const versions = (await auditOf(id)).map(({ after }) => JSON.parse(after as string).version);
  expect(versions).toEqual(Array.from({ length: 13 }, (_, i) => i + 1));
});

test('stock asked for with one key is added once, however many ask at the same time', async () => {
  const ledger = database.open();
  const { id } = (await createCampaign(ledger, specOf({ stock: 10 }), 'kim')).campaign;
  const asks = await Promise.all(Array.from({ length: 10 }, () => addStock(ledger, id, 5, 'tranche 2', 'kim')));
  for (const told of asks) expect(told).toMatchObject({ campaign: id, added: 5, stock: 15, version: 2 });
  expect(asks.filter(({ isNew }) => isNew)).toHaveLength(1);
  const keys = ['a', 'b', 'c'];
  await Promise.all(keys.map((key) => addStock(ledger, id, 1, key, 'kim')));
  expect((await getCampaign(ledger, id))?.stock).toBe(18);
  expect(await addStock(ledger, id, 5, 'tranche 2', 'kim')).toMatchObject({ stock: 15, version: 2 });
  await expect(addStock(ledger, id, 6, 'tranche 2', 'kim')).rejects.toMatchObject({
    code: 'conflict',
    message: 'this idempotency key was used to add 5, not 6',
  });
  expect(await auditOf(id)).toHaveLength(5);
  const other = (await createCampaign(ledger, specOf({ stock: 10 }), 'kim')).campaign;
  expect(await addStock(ledger, other.id, 6, 'tranche 2', 'kim')).toMatchObject({ stock: 16 });
  expect(await campaignStore(ledger).addStock(id, 5, 'tranche 2', 'kim')).toMatchObject({
    campaign: { stock: 18, version: 5 },
    added: 0,
  });
});

test('stock is whole units, and never more than there are numbers for', async () => {
  const ledger = database.open();
  const { id } = (await createCampaign(ledger, specOf(), 'kim')).campaign;
  for (const add of [0, -1, 0.5, Number.NaN, 2 ** 32]) {
    await expect(addStock(ledger, id, add, 'k', 'kim')).rejects.toMatchObject({ code: 'invalid' });
  }
  await expect(addStock(ledger, id, 2 ** 32 - 1, 'k', 'kim')).rejects.toMatchObject({ code: 'conflict' });
  await expect(addStock(ledger, id, 1, '', 'kim')).rejects.toMatchObject({ code: 'invalid' });
  await expect(addStock(ledger, id, 1, '키', 'kim')).rejects.toMatchObject({ code: 'invalid' });
  expect((await getCampaign(ledger, id))?.version).toBe(1);
});

test('stock is added while its campaign is being issued, without waiting for it', async () => {
  const ledger = database.open();
  const sale = await openSale(ledger, 100);
  await ledger.transaction(async (tx) => {
    const { campaign, unit, user, seq, epoch, code } = sale.row(1);
    const row = { campaign, unit, user, seq, epoch, code, admitted_at: new Date(), last_unit: 100 };
    await tx.insertInto('issuances').values(row).execute();
    // Waiting for this transaction would end in a lock wait timeout: it ends after this.
    await addStock(ledger, sale.id, 10, 'now', 'kim');
  });
  expect(await countIssued(ledger, sale.id)).toBe(1);
});

test('the projection of a campaign moves forward only, and not beyond what there is', async () => {
  const ledger = database.open();
  const { id } = (await createCampaign(ledger, specOf(), 'kim')).campaign;
  const isUnprojected = async () => (await listUnprojected(ledger)).some((campaign) => campaign.id === id);
  expect(await isUnprojected()).toBe(true);
  expect(await markProjected(ledger, id, 2)).toBe(false);
  expect(await markProjected(ledger, id, 1)).toBe(true);
  expect(await markProjected(ledger, id, 1)).toBe(false);
  expect(await isUnprojected()).toBe(false);
  await changeCampaign(ledger, id, { burst: 5 }, 'kim');
  expect(await isUnprojected()).toBe(true);
  expect(await markProjected(ledger, id, 2)).toBe(true);
  expect(await markProjected(ledger, id, 1)).toBe(false);
  expect((await getCampaign(ledger, id))?.projectedVersion).toBe(2);
});

test('a campaign is drained only as it was looked at', async () => {
  const ledger = database.open();
  const { id } = (await createCampaign(ledger, specOf(), 'kim')).campaign;
  const isLive = async () => (await listLiveCampaigns(ledger)).some((campaign) => campaign.id === id);
  await markProjected(ledger, id, 1);
  await changeCampaign(ledger, id, { burst: 5 }, 'kim');
  expect(await markDrained(ledger, id, 1)).toBe(false);
  expect(await isLive()).toBe(true);
  expect(await markDrained(ledger, id, 2)).toBe(true);
  expect(await isLive()).toBe(false);
});

test('issued coupons are counted for each campaign', async () => {
  const ledger = database.open();
  const [one, two] = [await openSale(ledger), await openSale(ledger)];
  await issueBatch(ledger, one.rows(1, 30));
  await issueBatch(ledger, two.rows(1, 2));
  expect(await countIssued(ledger, one.id)).toBe(30);
  expect(await countIssued(ledger, 'nobody')).toBe(0);
});
