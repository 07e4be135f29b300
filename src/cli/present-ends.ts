// What an archive, a purge and an erasure did, in words.
import { counted } from './words.ts';

export interface CampaignEnd {
  campaign: string;
  dryRun: boolean;
  obstacle: string | null;
  keys: number;
  rows: Record<string, number>;
}

export interface Erasure {
  dryRun: boolean;
  erased: string[];
  later: string[];
}

export function wentWords(verb: 'archive' | 'purge', { campaign, dryRun, obstacle, keys, rows }: CampaignEnd): string {
  const tables = Object.entries(rows).map(([table, count]) => `${counted(count, 'row')} of ${table}`);
  const what = verb === 'archive' ? [counted(keys, 'key')] : tables;
  const from = verb === 'archive' ? 'Redis' : 'the ledger';
  const went = what.length === 0 ? 'nothing' : what.join(', ');
  if (!dryRun) {
    const rest =
      verb === 'archive' ? 'Its tickets are answered from the ledger.' : 'Its tickets are answered with 410.';
    return `${verb === 'archive' ? 'Archived' : 'Purged'} ${campaign}. Left ${from}: ${went}. ${rest}\n`;
  }
  if (obstacle !== null) return `Dry run: ${campaign} cannot be ${verb}d now: ${obstacle}.\n`;
  return `Dry run: nothing was changed. Would leave ${from}: ${went}. To do it: sluice campaign ${verb} ${campaign} --yes\n`;
}

/** Without the id: the terminal's history has it already, its log need not. */
export function campaignNames({ dryRun, erased, later }: Erasure): string {
  if (erased.length + later.length === 0) return 'The ledger has no ticket of this buyer.\n';
  const lines = dryRun ? ['Dry run: nothing was changed. To do it, run the command again with --yes.'] : [];
  if (erased.length > 0) lines.push(`${dryRun ? 'Would be erased' : 'Erased'} in: ${erased.join(', ')}.`);
  if (later.length > 0)
    lines.push(`${dryRun ? 'Would be erased' : 'Will be erased'} once archived in: ${later.join(', ')}.`);
  return `${lines.join('\n')}\n`;
}
