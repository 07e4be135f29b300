// Whether the same campaign was asked for before: a spec that creates a campaign has a fingerprint, kept in the ledger.
import { hash } from 'node:crypto';
import { SETTINGS } from '../domain/campaign-settings.ts';

/** Of these fields, in this order, the first release made fingerprints. Another order would find none of them again. */
const FIRST_FIELDS = [
  ...['name', 'stock', 'opensAt', 'closesAt', 'ratePerSecond', 'burst', 'backlogMax', 'shards'],
  ...['buckets', 'state', 'version', 'epoch'],
];

/**
 * The fingerprint, hexadecimal, of a new campaign with its defaults. A setting that `known` has and the first release had
 * not counts only where it differs from its default: what an earlier release created was created without it.
 */
export function fingerprintOf(
  campaign: object,
  known: readonly { name: string; default?: unknown }[] = SETTINGS,
): string {
  const given = new Map<string, unknown>(Object.entries(campaign));
  const later = known.filter(({ name, default: usual }) => !FIRST_FIELDS.includes(name) && given.get(name) !== usual);
  const fields = [...FIRST_FIELDS, ...later.map(({ name }) => name).sort()];
  return hash('sha256', JSON.stringify(campaign, fields), 'hex');
}
