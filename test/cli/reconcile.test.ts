import { expect, test } from 'vitest';
import { keys } from '../../src/redis/keys.ts';
import { fronts, TOKEN } from '../http/front.ts';
import { sluice } from './sluice.ts';

const file = fronts();
const front = file.shared();
const reconcile = (...args: string[]) =>
  sluice(['reconcile', ...args], { ADMIN_URL: front().adminUrl, ADMIN_TOKEN: TOKEN });

test('stores that agree are told so in one line', async () => {
  const campaign = await front().create({ stock: 5 });
  const { code, out } = await reconcile(campaign);
  expect([code, out]).toEqual([0, `${campaign}: gate, streams, retries and ledger agree.\n`]);
});

test('a unit that nobody can buy is told, --repair makes it free again, and the book of epochs says who did it', async () => {
  const campaign = await front().create({ stock: 5 });
  await front().redis.hset(keys.gate(campaign), 'next_unit', 2);
  const found = await reconcile(campaign);
  expect(found.out).toMatch(/^2 × unit-unaccounted: .*\n {2}unit 1\n {2}unit 2\nNext: .*--repair\n$/);
  const repaired = await reconcile(campaign, '--repair');
  expect([repaired.code, repaired.out]).toEqual([
    0,
    expect.stringMatching(/^Rebuilt the gate of .*\n.* ledger agree\.\n$/),
  ]);
  const [begun] = (await file.database.sql('SELECT reason, worker FROM epochs WHERE campaign = ?', [
    campaign,
  ])) as object[];
  const audited = await file.database.sql(
    "SELECT actor, action FROM audit_log WHERE campaign = ? AND action <> 'create'",
    [campaign],
  );
  expect(audited).toEqual([{ actor: expect.stringMatching(/^operator/), action: 'reconcile' }]);
  expect(begun).toMatchObject({ reason: 'repair', worker: expect.stringMatching(/^operator/) });
  expect((await front().join(campaign, 'ann')).body.seq).toBe(1);
});

test('a repair that somebody else is at is refused, and not told as done', async () => {
  const campaign = await front().create({ stock: 5 });
  await front().redis.set(keys.recovery(campaign), 'another-worker', 'PX', 60_000);
  const { code, err } = await reconcile(campaign, '--repair');
  expect([code, err]).toEqual([1, expect.stringContaining('This call did not rebuild the gate')]);
  await front().redis.del(keys.recovery(campaign));
});

test('a campaign that is none is refused, with what there is', async () => {
  const { code, err } = await reconcile('no-such-campaign');
  expect([code, err]).toEqual([1, expect.stringContaining('sluice campaign list')]);
});
