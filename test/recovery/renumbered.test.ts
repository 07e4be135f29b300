import { expect, test } from 'vitest';
import { createGateBuilder } from '../../src/gate/redis/gate-builder.ts';
import { epochStore } from '../../src/ledger/epoch-store.ts';
import { recoverGate } from '../../src/recovery/recover.ts';
import { redisUrl } from '../helpers/services.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { codeOf, openDuties } from '../workers/duties.ts';

const database = ownDatabase();

test('a renumbered ticket has another text after a rebuild, and both texts lead to the unit of the row', async (t) => {
  const ledger = database.open();
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger });
  const campaign = await duties.openCampaign({ stock: 10 });
  const client = duties.client();
  // A row that the gate does not know, as after a Redis that lost its tail.
  await database.sql(
    `INSERT INTO issuances (campaign, unit, user, seq, epoch, code, admitted_at, last_unit)
     VALUES (?, 1, 'stranger', 1000, 1, ?, now(3), 10)`,
    [campaign, codeOf(campaign, 1, 'stranger')],
  );
  const [ticket] = await client.admit(campaign, ['user-1']);
  const stop = duties.issue(campaign);
  const issuance = { unit: 2, code: codeOf(campaign, 2, 'user-1') };
  expect((await client.untilStatus(ticket!, 'issued')).issuance).toEqual(issuance);
  expect(await client.admit(campaign, ['user-1'])).toEqual([ticket]);
  await stop();
  const gates = createGateBuilder(duties.redis, 0);
  const listRetries = (id: string) => duties.retries.list(id);
  const deps = { gates, readGates: duties.readGates, ledger: epochStore(ledger), listRetries, graceMs: 0 };
  expect(await recoverGate({ ...deps, worker: 'tester' }, campaign, true)).toMatchObject({ rebuilt: true });

  const [after] = await client.admit(campaign, ['user-1']);
  // The ledger keeps the unit that was issued, not the one that was signed: docs/guarantees.md, P4.
  expect(after).not.toBe(ticket);
  for (const text of [ticket!, after!]) expect((await client.untilStatus(text, 'issued')).issuance).toEqual(issuance);
});
