// The audit log: no change of a campaign without a line that says who made it.
import type { Kysely } from 'kysely';
import type { StoredCampaign } from '../domain/campaign.ts';
import type { Schema } from './schema.ts';

export type AuditAction = 'create' | 'change' | 'pause' | 'resume' | 'close' | 'add-stock';

/** A change of a campaign: who, what, and its settings before (null: it was made) and after. */
export interface AuditEntry {
  actor: string;
  action: AuditAction;
  campaign: string;
  before: StoredCampaign | null;
  after: StoredCampaign;
}

/** Writes the entry in the transaction of the change it tells of, so that neither is there without the other. */
export async function audit(tx: Kysely<Schema>, entry: AuditEntry): Promise<void> {
  const before = entry.before === null ? null : settingsOf(entry.before);
  const after = settingsOf(entry.after);
  await tx
    .insertInto('audit_log')
    .values({ ...entry, before, after })
    .execute();
}

/** Without what nobody decided: how far the gate has heard. */
const settingsOf = (campaign: StoredCampaign): string =>
  JSON.stringify(campaign, (name, value) => (name === 'projectedVersion' ? undefined : value));
