// Answers of the admin API for a person: aligned columns, units beside the numbers, no colour.
import { type IntegerSetting, SETTINGS, type Setting, type WrittenSettings } from '../domain/campaign-settings.ts';
import { visible } from '../domain/text.ts';
import { counted, whole } from './words.ts';

export interface Campaign extends WrittenSettings {
  id: string;
  state: string;
  stage: string;
  version: number;
  createdAt: string;
}

/** What `show` prints beyond the settings. */
interface Progress {
  phase: string;
  remaining: number;
  admitted: number;
  issued: number;
  backlog: number;
  retrying: number;
  deadLetters: number;
  oldestWaitMs: number | null;
  drainPerSecond: number | null;
}

interface Listed extends Campaign {
  phase: string;
  attention: string | null;
}

/** One line a campaign. The name comes last, see {@link table}. */
export function campaignTable(campaigns: unknown[], isFiltered = false): string {
  if (campaigns.length === 0 && isFiltered) return 'No campaign passes these filters.\n';
  if (campaigns.length === 0) return 'There are no campaigns yet. To make one: sluice campaign create <id> --stock N\n';
  const head = ['ID', 'STATE', 'PHASE', 'ATTENTION', 'STOCK (units)', 'RATE (joins/s)', 'OPENS', 'CLOSES', 'NAME'];
  const rows = (campaigns as Listed[]).map((campaign) => [
    campaign.id,
    shownState(campaign),
    campaign.phase,
    campaign.attention ?? '–',
    whole(campaign.stock),
    campaign.ratePerSecond === 0 ? 'no limit' : whole(campaign.ratePerSecond),
    campaign.opensAt ?? '–',
    campaign.closesAt ?? '–',
    campaign.name,
  ]);
  return table([head, ...rows], [4, 5]);
}

export function campaignDetails(answer: unknown): string {
  const campaign = answer as Campaign & Partial<Progress>;
  const { id, name, phase } = campaign;
  return table([
    ['campaign', id === name ? id : `${id} (${name})`],
    ['state', phase === undefined ? shownState(campaign) : `${shownState(campaign)}, ${phase}`],
    ['stock', counted(campaign.stock, 'unit')],
    ...(phase === undefined ? [] : progress(campaign as Campaign & Progress)),
    ...SETTINGS.flatMap((setting) => ('label' in setting ? [[setting.label, words(setting, campaign)]] : [])),
    ['version', `${campaign.version}, created ${campaign.createdAt}`],
  ]);
}

/** What it is archived or purged from says more than the state in which it was. */
const shownState = ({ state, stage }: Campaign): string => (ENDED.includes(stage) ? stage : state);

const ENDED = ['archived', 'purged'];

/** The value of a setting; the rate says its burst, which is nothing without it. */
function words(setting: Setting, campaign: Campaign): string {
  if (setting.kind === 'name') return campaign[setting.name];
  if (setting.kind === 'instant') return campaign[setting.name] ?? setting.none;
  const { none, unit }: IntegerSetting = setting;
  const value = campaign[setting.name];
  if (value === 0 && none !== undefined) return none;
  const shown = unit === undefined ? whole(value) : counted(value, unit);
  return setting.name === 'ratePerSecond' ? `${shown}/s, burst ${counted(campaign.burst, 'join')}` : shown;
}

function progress(campaign: Campaign & Progress): string[][] {
  const { backlog, oldestWaitMs, drainPerSecond } = campaign;
  const oldest = oldestWaitMs === null ? '' : `, the oldest for ${(oldestWaitMs / 1_000).toFixed(1)} s`;
  return [
    ['remaining', counted(campaign.remaining, 'unit')],
    ['admitted', admitted(campaign)],
    ['issued', counted(campaign.issued, 'ticket')],
    ['backlog', `${counted(backlog, 'ticket')}${oldest}`],
    ['drain', drainPerSecond === null ? 'not known yet' : `${drainPerSecond.toFixed(1)} tickets/s`],
    ['retrying', counted(campaign.retrying, 'ticket')],
    ['dead letters', counted(campaign.deadLetters, 'ticket')],
  ];
}

function admitted({ admitted: count, stock, remaining }: Campaign & Progress): string {
  const tickets = counted(count, 'ticket');
  const taken = stock - remaining;
  if (count <= taken) return tickets;
  return `${tickets} for ${counted(taken, 'unit')}: a unit is sold again when its ticket is given back or discarded`;
}

/**
 * Columns two spaces apart; those in `right` end flush, as numbers should. Text that somebody typed belongs into the last
 * column: no two terminals agree on how wide it is.
 */
export function table(rows: string[][], right: readonly number[] = []): string {
  const cells = rows.map((row) => row.map(visible));
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    row.map((cell, column) => (right.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)));
  return cells.map((row) => `${line(row).join('  ').trimEnd()}\n`).join('');
}
