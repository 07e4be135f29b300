// More stock for a campaign that runs, once per idempotency key.
import type { Kysely } from 'kysely';
import { Fault } from '../domain/fault.ts';
import { UINT32_MAX } from '../domain/uint32.ts';
import { lockCampaign } from './campaign-rows.ts';
import { change } from './campaigns.ts';
import type { Ledger } from './pool.ts';
import type { Schema } from './schema.ts';

/** What an addition came to; told again, word by word, to who asks again with the same key. */
export interface StockAddition {
  campaign: string;
  added: number;
  /** The campaign's stock after it. */
  stock: number;
  version: number;
}

/** `isNew` is false when the key was used before, so that this call added nothing. */
type AddedOnce = StockAddition & { isNew: boolean };

/** Printable ASCII, as an `Idempotency-Key` header may hold. */
const KEY = /^[\x20-\x7e]{1,200}$/;

/**
 * Adds a tranche of `add` units. Throws `not-found`; `conflict` when the campaign is closed, when the key was used for
 * another `add`, and when there would be more units than a ticket can number; `invalid` when `add` is no whole number above 0
 * and when the key is none.
 */
export async function addStock(
  ledger: Ledger,
  id: string,
  add: number,
  idempotencyKey: string,
  actor: string,
): Promise<AddedOnce> {
  if (!Number.isSafeInteger(add) || add < 1 || add > UINT32_MAX)
    throw new Fault('invalid', 'add is not a whole number above 0');
  if (!KEY.test(idempotencyKey)) throw new Fault('invalid', 'the idempotency key is not 1 to 200 printable characters');
  const asked = { scope: `add-stock:${id}`, key: idempotencyKey, fingerprint: String(add) };
  return ledger.transaction(async (tx) => {
    // The campaign's lock makes the same key wait for itself.
    const { stock } = await lockCampaign(tx, id);
    const told = await toldBefore(tx, asked);
    if (told !== undefined) return { ...told, isNew: false };
    if (stock + add > UINT32_MAX) throw new Fault('conflict', `the stock would be more than ${UINT32_MAX}`);
    await tx
      .insertInto('tranches')
      .values({ campaign: id, last_unit: stock + add })
      .execute();
    const after = await change(tx, { id, actor, action: 'add-stock' }, (campaign) => ({
      ...campaign,
      stock: campaign.stock + add,
    }));
    const addition: StockAddition = { campaign: id, added: add, stock: after.stock, version: after.version };
    await tx
      .insertInto('idempotency_keys')
      .values({ ...asked, response: JSON.stringify(addition) })
      .execute();
    return { ...addition, isNew: true };
  });
}

async function toldBefore(
  tx: Kysely<Schema>,
  { scope, key, fingerprint }: { scope: string; key: string; fingerprint: string },
): Promise<StockAddition | undefined> {
  const row = await tx
    .selectFrom('idempotency_keys')
    .select(['fingerprint', 'response'])
    .where('scope', '=', scope)
    .where('key', '=', key)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  if (row.fingerprint !== fingerprint) {
    throw new Fault('conflict', `this idempotency key was used to add ${row.fingerprint}, not ${fingerprint}`);
  }
  return JSON.parse(row.response) as StockAddition;
}
