// Strangers of a campaign that is sold out, after its stock has grown: they must go on costing next to nothing.
import { expect, test } from 'vitest';
import { fronts, untilKnown } from '../http/front.ts';

const front = fronts().shared();

test('after stock was added a front asked the gate about every stranger: the filter kept its first size', async () => {
  const campaign = await front().create({ stock: 20 });
  await front().admit(campaign, 1, 20);
  const add = { add: 580 };
  const added = await front().admin('POST', `/admin/campaigns/${campaign}/stock`, add, { 'idempotency-key': 'more' });
  expect(added.status).toBe(200);
  await untilKnown(front(), campaign, ({ view }) => view.stock === 600);
  for (let from = 21; from <= 600; from += 58) await front().admit(campaign, from, from + 57);
  await untilKnown(front(), campaign, ({ view, completeSeq }) => view.remaining === 0 && completeSeq === 600);
  const before = front().questionCount();
  let refusedCount = 0;
  for (let i = 0; i < 500; i += 1) {
    if ((await front().join(campaign, `stranger-${i}`)).status === 409) refusedCount += 1;
  }
  expect(refusedCount).toBe(500);
  // 1.5 % in the mean; nearly all of them before.
  expect(front().questionCount() - before).toBeLessThan(40);
  expect((await front().join(campaign, 'user-1')).status).toBe(200);
  expect((await front().join(campaign, 'user-600')).status).toBe(200);
});
