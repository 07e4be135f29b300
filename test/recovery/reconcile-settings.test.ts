import { expect, test } from 'vitest';
import { FOLLOWED } from '../../src/domain/campaign-settings.ts';
import { createGateBuilder } from '../../src/gate/redis/gate-builder.ts';
import { createGateContents } from '../../src/gate/redis/gate-contents.ts';
import { epochStore } from '../../src/ledger/epoch-store.ts';
import { reconcile } from '../../src/recovery/reconcile.ts';
import { keys } from '../../src/redis/keys.ts';
import { redisUrl } from '../helpers/services.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { openDuties } from '../workers/duties.ts';

const database = ownDatabase();
const OTHERS = FOLLOWED.map(({ name }) => name).filter((name) => name !== 'name');
const FOUND = `same version, but different ${['name', 'state', ...OTHERS].join(', ')}`;

test.for(['gate', 'ledger'] as const)('every setting that the %s alone has otherwise is named', async (changed, t) => {
  const ledger = database.open();
  const duties = openDuties(t, { redisUrl: redisUrl(), ledger });
  const id = await duties.openCampaign({ stock: 30, shards: 2 });
  const deps = {
    gates: createGateBuilder(duties.redis, 0),
    contents: createGateContents(duties.redis),
    readGates: duties.readGates,
    ledger: epochStore(ledger),
    listRetries: (campaign: string) => duties.retries.list(campaign),
  };
  expect(await reconcile(deps, id)).toEqual([]);
  const followed = FOLLOWED.map(({ kind, ...setting }, index) => ({
    ...setting,
    inGate: kind === 'name' ? 'other' : 77,
    inLedger: { name: 'other', instant: new Date(Date.UTC(2040, index)), integer: 77 }[kind],
  }));
  if (changed === 'gate') {
    const fields = followed.flatMap(({ gateField, inGate }) => [gateField, inGate]);
    await duties.redis.hset(keys.gate(id), 'state', 'paused', ...fields);
  } else {
    await database.sql('INSERT INTO tranches (campaign, last_unit) VALUES (?, 77)', [id]);
    const columns = followed.map(({ column }) => `${column} = ?`).join(', ');
    const values = followed.map(({ inLedger }) => inLedger);
    await database.sql(`UPDATE campaigns SET state = 'paused', ${columns} WHERE id = ?`, [...values, id]);
  }
  expect(await reconcile(deps, id)).toContainEqual({ kind: 'settings-differ', detail: FOUND });
});
