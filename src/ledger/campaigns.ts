// The truth about campaigns. Every change is one transaction: lock the row, count the version up, write who did what.
import type { Kysely } from 'kysely';
import { type CampaignPatch, type CampaignState, patched, type StoredCampaign } from '../domain/campaign.ts';
import { isOver } from '../domain/campaign-life.ts';
import { Fault } from '../domain/fault.ts';
import { type AuditAction, audit } from './audit.ts';
import { assertKeepable, campaignOf, isFinal, lockCampaign, withBurst, writeCampaign } from './campaign-rows.ts';
import type { Ledger } from './pool.ts';
import type { Schema } from './schema.ts';

/** The campaign with this id; undefined when there is none. */
export async function getCampaign(ledger: Ledger, id: string): Promise<StoredCampaign | undefined> {
  const row = await ledger.db.selectFrom('campaigns').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : campaignOf(row);
}

/** The campaigns with these ids, in their order; undefined where there is none. */
export async function getCampaigns(ledger: Ledger, ids: readonly string[]): Promise<(StoredCampaign | undefined)[]> {
  const rows = await ledger.db.selectFrom('campaigns').selectAll().where('id', 'in', ids).execute();
  const found = new Map(rows.map((row) => [row.id, campaignOf(row)]));
  return ids.map((id) => found.get(id));
}

/** Changes settings. Throws `not-found`, `conflict` when the campaign is closed or archived or its times contradict each other, `invalid` when it cannot be kept. */
export function changeCampaign(
  ledger: Ledger,
  id: string,
  patch: CampaignPatch,
  actor: string,
): Promise<StoredCampaign> {
  return ledger.transaction((tx) =>
    change(tx, { id, actor, action: 'change' }, (campaign) => withBurst(patched(campaign, patch), patch.burst)),
  );
}

const ACTION_TO: Record<CampaignState, AuditAction> = { active: 'resume', paused: 'pause', closed: 'close' };

/** Resumes, pauses or closes. To be in that state already is fine. Throws `not-found`; `conflict`, since closed is final. */
export function setCampaignState(
  ledger: Ledger,
  id: string,
  state: CampaignState,
  actor: string,
): Promise<StoredCampaign> {
  return ledger.transaction((tx) =>
    change(tx, { id, actor, action: ACTION_TO[state] }, (campaign) => ({ ...campaign, state })),
  );
}

/** Coupons issued so far; reads an index entry per row, so it is for reports and not for a hot path. */
export async function countIssued(ledger: Ledger, campaign: string): Promise<number> {
  const counted = await ledger.db
    .selectFrom('issuances')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('campaign', '=', campaign)
    .executeTakeFirstOrThrow();
  return Number(counted.count);
}

interface Change {
  id: string;
  actor: string;
  action: AuditAction;
}

/**
 * Changes one campaign within a transaction: version + 1, audited, to be projected and drained anew. Nothing of it when
 * `to` returns the settings as they were. Throws `not-found`, `conflict` for a closed or archived campaign and settings that contradict
 * each other, `invalid`.
 */
export async function change(
  tx: Kysely<Schema>,
  { id, actor, action }: Change,
  to: (campaign: StoredCampaign) => StoredCampaign,
): Promise<StoredCampaign> {
  const before = await lockCampaign(tx, id);
  const wanted = to(before);
  if (JSON.stringify(wanted) === JSON.stringify(before)) return before;
  if (isOver(before))
    throw new Fault('conflict', `campaign ${id} is archived, and an archived campaign cannot be changed`);
  if (isFinal(before.state))
    throw new Fault('conflict', `campaign ${id} is closed, and a closed campaign cannot be changed`);
  assertKeepable(wanted);
  await writeCampaign(tx, { ...wanted, version: before.version + 1 });
  // What is told, audited and projected is what stands there, not what was sent.
  const after = await lockCampaign(tx, id);
  await audit(tx, { actor, action, campaign: id, before, after });
  return after;
}
