// The query that says which campaigns have a gate, held to the predicate that says it of one.
import { expect, test } from 'vitest';
import { hasGate } from '../../src/domain/campaign-life.ts';
import { changeCampaign, getCampaign, setCampaignState } from '../../src/ledger/campaigns.ts';
import { createCampaign } from '../../src/ledger/creations.ts';
import { beginEpochs } from '../../src/ledger/epochs.ts';
import { listGatedCampaigns, listGatedIds, listLiveCampaigns } from '../../src/ledger/gated.ts';
import { listUnprojected, markLive } from '../../src/ledger/projections.ts';
import { addStock } from '../../src/ledger/stock.ts';
import { ownDatabase } from './own-database.ts';

const database = ownDatabase();

const STAGES: Record<string, string> = {
  'a-draft': 'projected_version = 0',
  'b-open': 'projected_version = 1',
  'c-closed': "projected_version = 1, state = 'closed'",
  'd-drained': "projected_version = 1, state = 'closed', drained_at = NOW(3)",
  'e-archived': "projected_version = 1, state = 'closed', drained_at = NOW(3), archived_at = NOW(3)",
  'f-undrained': "projected_version = 1, state = 'closed', archived_at = NOW(3)",
  'g-purged': "projected_version = 1, state = 'closed', archived_at = NOW(3), purged_at = NOW(3)",
};

test('campaigns that are archived or purged are walked by no duty, and take no change, epoch or stock', async () => {
  const ledger = database.open();
  for (const [id, columns] of Object.entries(STAGES)) {
    await createCampaign(ledger, { id, stock: 5 }, 'kim');
    await database.sql(`UPDATE campaigns SET ${columns} WHERE id = ?`, [id]);
  }
  const all = await Promise.all(Object.keys(STAGES).map((id) => getCampaign(ledger, id)));
  const gated = all.filter((campaign) => hasGate(campaign!)).map((campaign) => campaign!.id);
  expect(gated).toEqual(['b-open', 'c-closed', 'd-drained']);
  expect((await listGatedCampaigns(ledger, { limit: 10 })).map(({ id }) => id)).toEqual(gated);
  expect(await listGatedIds(ledger, { limit: 10 })).toEqual(gated);
  expect(await listGatedIds(ledger, { after: 'b-open', limit: 1 })).toEqual(['c-closed']);
  expect((await listLiveCampaigns(ledger)).map(({ id }) => id)).toEqual(['b-open', 'c-closed']);
  expect((await listUnprojected(ledger)).map(({ id }) => id)).toEqual(['a-draft']);

  const over = { code: 'conflict', message: expect.stringContaining('archived') };
  await expect(changeCampaign(ledger, 'e-archived', { closesAt: null, burst: 1 }, 'kim')).rejects.toMatchObject({
    code: 'conflict',
  });
  await database.sql("UPDATE campaigns SET state = 'active' WHERE id = 'e-archived'");
  await expect(changeCampaign(ledger, 'e-archived', { closesAt: 1_900_000_000_000 }, 'kim')).rejects.toMatchObject(
    over,
  );
  await expect(setCampaignState(ledger, 'e-archived', 'paused', 'kim')).rejects.toMatchObject(over);
  await expect(addStock(ledger, 'e-archived', 5, 'key', 'kim')).rejects.toMatchObject(over);
  await expect(createCampaign(ledger, { id: 'e-archived', stock: 5 }, 'kim')).rejects.toMatchObject(over);
  const why = { reason: 'missing', worker: 'w' } as const;
  expect(await beginEpochs(ledger, [{ campaign: 'e-archived', from: 1, to: 2, ...why }])).toEqual([undefined]);
  expect(await beginEpochs(ledger, [{ campaign: 'd-drained', from: 1, to: 2, ...why }])).toEqual([2]);
  expect(await markLive(ledger, 'e-archived')).toBe(false);
  expect((await getCampaign(ledger, 'e-archived'))!.epoch).toBe(1);
});
