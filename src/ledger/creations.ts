// New campaigns: those of a batch enter the ledger in one transaction of seven statements, however many they are.
import { type Campaign, type CampaignSpec, newSettings, type StoredCampaign } from '../domain/campaign.ts';
import { isOver } from '../domain/campaign-life.ts';
import { SETTINGS } from '../domain/campaign-settings.ts';
import { Fault } from '../domain/fault.ts';
import { isCampaignId } from '../domain/ids.ts';
import { auditAll } from './audit.ts';
import { assertKeepable, bucketsFor, campaignOf, columnsOf, withBurst } from './campaign-rows.ts';
import { fingerprintOf } from './creation-fingerprint.ts';
import { kindOf } from './errors.ts';
import type { Ledger } from './pool.ts';

const CREATION = 'create-campaign';

/** `created` is false when the campaign was there already. */
export interface Created {
  created: boolean;
  campaign: StoredCampaign;
}

/** A campaign that the ledger can keep, and who creates it. */
export interface Creation {
  id: string;
  settings: Omit<Campaign, 'id' | 'createdAt'>;
  fingerprint: string;
  actor: string;
}

/** Throws `invalid` for a spec that cannot be kept, and `conflict` for settings that contradict each other. */
export function creationOf(spec: CampaignSpec, actor: string): Creation {
  const { id } = spec;
  if (!isCampaignId(id)) throw new Fault('invalid', 'id is not a campaign id');
  const settings = withBurst(settingsOf(spec), spec.burst);
  assertKeepable(settings);
  return { id, settings, fingerprint: fingerprintOf(settings), actor };
}

/**
 * Creates a campaign, active, version 1, epoch 1. The same id with the same spec again gives the campaign as it is now
 * and `created` false. Throws `conflict`, naming what is different now, when the id was created with another spec or is archived,
 * `invalid` for a spec that cannot be kept.
 */
export async function createCampaign(ledger: Ledger, spec: CampaignSpec, actor: string): Promise<Created> {
  const [outcome] = await createAll(ledger, [creationOf(spec, actor)]);
  return createdOrThrown(outcome!);
}

export function createdOrThrown(outcome: Created | Fault): Created {
  if (outcome instanceof Fault) throw outcome;
  return outcome;
}

/**
 * Creates campaigns. At the index of each: the campaign, or the `conflict` that concerns it alone. Throws what concerns
 * all of them: then either all of those that were not there before were created, or none.
 */
export async function createAll(ledger: Ledger, wanted: readonly Creation[]): Promise<(Created | Fault)[]> {
  const outcomes = new Map<Creation, Created | Fault>();
  // In one order, whoever writes: two batches with the same ids wait for each other at the first of them only.
  let left = wanted.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  while (left.length > 0) {
    // Of two with the same id the second finds what became of the first.
    const batch = left.filter(({ id }, index) => id !== left[index - 1]?.id);
    for (const [creation, outcome] of await createOnce(ledger, batch)) outcomes.set(creation, outcome);
    left = left.filter((creation) => !outcomes.has(creation));
  }
  return wanted.map((creation) => outcomes.get(creation)!);
}

/** No two with the same id. Those of which nothing is returned are to be tried again: another call created one of them. */
async function createOnce(ledger: Ledger, batch: readonly Creation[]): Promise<Map<Creation, Created | Fault>> {
  try {
    const campaigns = new Map((await insertAll(ledger, batch)).map((campaign) => [campaign.id, campaign]));
    return new Map(batch.map((creation) => [creation, { created: true, campaign: campaigns.get(creation.id)! }]));
  } catch (error) {
    if (kindOf(error) !== 'duplicate') throw error;
    const before = await findCreated(ledger, batch);
    // A row of the table that no creation made: nothing is known of its settings.
    if (before.size === 0 && batch.length === 1) return new Map([[batch[0]!, createdOtherwise(batch[0]!.id, '')]]);
    if (before.size === 0) throw error;
    return before;
  }
}

function insertAll(ledger: Ledger, wanted: readonly Creation[]): Promise<StoredCampaign[]> {
  const actors = new Map(wanted.map(({ id, actor }) => [id, actor]));
  const keys = wanted.map(({ id, fingerprint }) => ({ scope: CREATION, key: id, fingerprint, response: '' }));
  const tranches = wanted.map(({ id, settings }) => ({ campaign: id, last_unit: settings.stock }));
  const rows = wanted.map(({ id, settings }) => ({ id, ...columnsOf(settings) }));
  return ledger.transaction(async (tx) => {
    // The key comes first: of two that create the same id at once, one waits here and then finds it.
    await tx.insertInto('idempotency_keys').values(keys).execute();
    await tx.insertInto('tranches').values(tranches).execute();
    await tx.insertInto('campaigns').values(rows).execute();
    // What is told, audited and projected is what stands there, not what was sent.
    const made = await tx
      .selectFrom('campaigns')
      .selectAll()
      .where('id', 'in', [...actors.keys()])
      .execute();
    const campaigns = made.map(campaignOf);
    await auditAll(
      tx,
      campaigns.map((after) => {
        const actor = actors.get(after.id)!;
        return { actor, action: 'create', campaign: after.id, before: null, after };
      }),
    );
    return campaigns;
  });
}

/** What became of those that were created before; nothing of the others. Changes nothing. */
export async function findCreated(
  ledger: Ledger,
  wanted: readonly Creation[],
): Promise<Map<Creation, Created | Fault>> {
  const ids = wanted.map(({ id }) => id);
  const keys = await ledger.db
    .selectFrom('idempotency_keys')
    .select(['key', 'fingerprint'])
    .where('scope', '=', CREATION)
    .where('key', 'in', ids)
    .execute();
  const rows = await ledger.db.selectFrom('campaigns').selectAll().where('id', 'in', ids).execute();
  const fingerprints = new Map(keys.map(({ key, fingerprint }) => [key, fingerprint]));
  const campaigns = new Map(rows.map((row) => [row.id, campaignOf(row)]));
  return new Map(
    wanted
      .filter(({ id }) => fingerprints.has(id))
      .map((creation) => [creation, again(creation, fingerprints.get(creation.id)!, campaigns.get(creation.id))]),
  );
}

function again({ id, settings, fingerprint }: Creation, first: string, campaign?: StoredCampaign): Created | Fault {
  if (campaign === undefined) return createdOtherwise(id, '');
  if (first !== fingerprint) return createdOtherwise(id, differenceOf(campaign, settings));
  // Its tickets are signed for this id: a second campaign of the same id would be asked for them.
  if (isOver(campaign)) {
    return new Fault('conflict', `campaign ${id} was archived; choose another id for a new campaign`);
  }
  return { created: false, campaign };
}

/** What of the campaign as it is now is not as it was asked for, in words. */
function differenceOf(campaign: StoredCampaign, wanted: Creation['settings']): string {
  const different = SETTINGS.filter(({ name }) => campaign[name] !== wanted[name]);
  if (different.length === 0) return ', and a later change gave it these';
  const shown = different.map(({ name, kind }) => {
    const [now, asked] = [campaign[name], wanted[name]].map((value) =>
      JSON.stringify(kind === 'instant' && value !== null ? new Date(value) : value),
    );
    return `${name} is ${now}, not ${asked}`;
  });
  return `: ${shown.join('; ')}`;
}

const createdOtherwise = (id: string, how: string) =>
  new Fault('conflict', `campaign ${id} was created with other settings${how}`);

/** The first version of a new campaign. */
const settingsOf = (spec: CampaignSpec): Omit<Campaign, 'id' | 'createdAt'> => ({
  ...newSettings(spec),
  buckets: bucketsFor(spec.stock),
  state: 'active',
  version: 1,
  epoch: 1,
});
