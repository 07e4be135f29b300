// The audit log: no change of a campaign, and no decision about a dead letter, without a line that says who made it.
import type { Kysely } from 'kysely';
import type { StoredCampaign } from '../domain/campaign.ts';
import type { StoredDeadLetter } from '../domain/dead-letter.ts';
import type { Ledger } from './pool.ts';
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
export const audit = (tx: Kysely<Schema>, entry: AuditEntry): Promise<void> => auditAll(tx, [entry]);

/** The same for changes that were made together, at least one. */
export async function auditAll(tx: Kysely<Schema>, entries: readonly AuditEntry[]): Promise<void> {
  const rows = entries.map((entry) => ({
    ...entry,
    before: entry.before === null ? null : settingsOf(entry.before),
    after: settingsOf(entry.after),
  }));
  await tx.insertInto('audit_log').values(rows).execute();
}

/** What nobody decided: how far the gate has heard, and how far the campaign's life has come. */
const UNDECIDED = ['projectedVersion', 'drainedAt', 'archivedAt', 'purgedAt'];

const settingsOf = (campaign: StoredCampaign): string =>
  JSON.stringify(campaign, (name, value) => (UNDECIDED.includes(name) ? undefined : value));

/** What an operator decided about one dead letter: as it was, and how it is now. */
export interface LetterAuditEntry {
  actor: string;
  action: 'redrive' | 'discard';
  before: StoredDeadLetter;
  after: Pick<StoredDeadLetter, 'state' | 'redriveCount'>;
}

/** Writes the entry in the transaction of the decision. The texts of the letter stay with the letter. */
export async function auditLetter(tx: Kysely<Schema>, entry: LetterAuditEntry): Promise<void> {
  const { actor, action, before, after } = entry;
  const { id, epoch, seq, unit, user, reason, state, redriveCount } = before;
  const told = { deadLetter: id, epoch, seq, unit, user, reason, state, redriveCount };
  await tx
    .insertInto('audit_log')
    .values({
      actor,
      action,
      campaign: before.campaign,
      before: JSON.stringify(told),
      after: JSON.stringify({ ...told, ...after }),
    })
    .execute();
}

/** An end of a campaign, or of a buyer's id in it: what went, in numbers. */
export interface EndAuditEntry {
  actor: string;
  action: 'archive' | 'purge' | 'erase-user';
  campaign: string;
  told: Record<string, unknown>;
}

/** Writes the entry in the transaction of the end. It never says whose id was erased. */
export async function auditEnd(tx: Kysely<Schema>, { told, ...entry }: EndAuditEntry): Promise<void> {
  await tx
    .insertInto('audit_log')
    .values({ ...entry, before: null, after: JSON.stringify(told) })
    .execute();
}

/** Writes that an operator has the gate of a campaign rebuilt from the ledger; nothing when there is no such campaign. */
export async function auditRepair(ledger: Pick<Ledger, 'transaction'>, campaign: string, actor: string): Promise<void> {
  await ledger.transaction(async (tx) => {
    const found = await tx.selectFrom('campaigns').select('epoch').where('id', '=', campaign).executeTakeFirst();
    if (found === undefined) return;
    const before = JSON.stringify({ epoch: found.epoch });
    await tx.insertInto('audit_log').values({ actor, action: 'reconcile', campaign, before, after: null }).execute();
  });
}
