import { expect, test } from 'vitest';
import type { CampaignSpec } from '../../src/domain/campaign.ts';
import { campaignStore } from '../../src/ledger/campaign-store.ts';
import { createCampaign } from '../../src/ledger/creations.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { addStock } from '../../src/ledger/stock.ts';
import { uniqueName } from '../helpers/services.ts';
import { ownDatabase } from './own-database.ts';

const database = ownDatabase();

const specOf = (other: Partial<CampaignSpec> = {}): CampaignSpec => ({
  id: uniqueName('made'),
  stock: 100,
  opensAt: 1_798_102_800_123,
  ...other,
});

test('another spec is a conflict that names what is different now, and what is not', async () => {
  const ledger = database.open();
  const spec = specOf({ stock: 10 });
  await createCampaign(ledger, spec, 'kim');
  const other = createCampaign(ledger, { ...spec, stock: 11, opensAt: null }, 'lee');
  await expect(other).rejects.toThrow(
    `campaign ${spec.id} was created with other settings: stock is 10, not 11; opensAt is "2026-12-24T09:00:00.123Z", not null`,
  );
  await addStock(ledger, spec.id, 1, 'k', 'kim');
  await expect(createCampaign(ledger, { ...spec, stock: 11 }, 'lee')).rejects.toThrow(
    'created with other settings, and a later change gave it these',
  );
});

test('campaigns that are created at once share commits, and each has its own answer and audit', async () => {
  const ledger = database.open();
  let commitCount = 0;
  const transaction: Ledger['transaction'] = (work) => {
    commitCount += 1;
    return ledger.transaction(work);
  };
  const store = campaignStore({ ...ledger, transaction });
  const old = specOf({ stock: 10 });
  await createCampaign(ledger, old, 'kim');
  const many = Array.from({ length: 100 }, () => specOf());
  const wanted = [...many, many[7]!, old, { ...old, stock: 11 }];
  const answers = await Promise.allSettled(wanted.map((spec, n) => store.create(spec, `actor-${n}`)));
  const told = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.created : answer.reason.code));
  expect(told).toEqual([...many.map(() => true), false, false, 'conflict']);
  expect((answers[3] as PromiseFulfilledResult<{ campaign: object }>).value.campaign).toMatchObject(many[3]!);
  // The first by itself, the others while it is under way; what is there already costs them another.
  expect(commitCount).toBeLessThan(10);
  expect(await database.sql('SELECT actor, action FROM audit_log WHERE campaign = ?', [many[42]!.id])).toEqual([
    { actor: 'actor-42', action: 'create' },
  ]);
});

test('a campaign that the database refuses does not keep those that came with it from being created', async (t) => {
  const store = campaignStore(database.open());
  const specs = Array.from({ length: 5 }, () => specOf());
  const refused = specs[2]!.id;
  await database.sql(`CREATE TRIGGER refuses BEFORE INSERT ON campaigns FOR EACH ROW
    IF NEW.id = '${refused}' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this one'; END IF`);
  t.onTestFinished(() => database.sql('DROP TRIGGER refuses').then(() => undefined));
  const answers = await Promise.allSettled(specs.map((spec) => store.create(spec, 'kim')));
  expect(answers.map(({ status }) => status)).toEqual(
    specs.map(({ id }) => (id === refused ? 'rejected' : 'fulfilled')),
  );
  expect(await store.get(refused)).toBeUndefined();
});

test('that a gate has heard is noted again after a deadlock', async (t) => {
  const store = campaignStore(database.open());
  const { campaign } = await store.create(specOf(), 'kim');
  // What is not undone with the statement: the first attempt meets a deadlock, the second does not.
  await database.sql('CREATE TABLE deadlocks (n INT) ENGINE = MyISAM');
  await database.sql(`CREATE TRIGGER deadlock BEFORE UPDATE ON campaigns FOR EACH ROW
    IF (SELECT COUNT(*) FROM deadlocks) = 0 THEN
      INSERT INTO deadlocks VALUES (1);
      SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213;
    END IF`);
  t.onTestFinished(async () => {
    await database.sql('DROP TRIGGER deadlock');
    await database.sql('DROP TABLE deadlocks');
  });
  await store.markProjected(campaign.id, 1);
  expect((await store.get(campaign.id))!.projectedVersion).toBe(1);
  expect(await database.sql('SELECT n FROM deadlocks')).toHaveLength(1);
});
