// The options of the verbs: what each takes, the field of the admin API it fills, and how it is explained.
import { ATTENTIONS, PHASES } from '../domain/campaign-attention.ts';
import { isCampaignName, NAME_CHARS_MAX } from '../domain/campaign-name.ts';
import { mapSettings, type NameSetting, SETTINGS } from '../domain/campaign-settings.ts';
import { parseInstant } from '../domain/instant.ts';

export interface Option {
  /** What the help shows in place of the value. */
  value: string;
  help: string;
  /** The field of the request body; none for what goes elsewhere. */
  field?: string;
  /** Stands without a value. */
  isSwitch?: true;
  /** The value as the API takes it; undefined when it is none. */
  read: (text: string) => string | number | boolean | null | undefined;
  expected: string;
}

const count = (help: string, field: string, min = 0): Option => ({
  value: 'N',
  help,
  field,
  read: (text) => (/^\d{1,15}$/.test(text) && Number(text) >= min ? Number(text) : undefined),
  expected: `a whole number from ${min}, without separators`,
});

const time = (help: string, field: string): Option => ({
  value: 'TIME',
  help: `${help}: ISO 8601 with its offset (2026-12-24T18:00:00+09:00), or none`,
  field,
  read: (text) => {
    if (text === 'none') return null;
    // Without an offset the operator's clock and the server's would decide, and one day they differ.
    const ms = parseInstant(text);
    return ms === undefined ? undefined : new Date(ms).toISOString();
  },
  expected: 'a time that the calendar has, such as 2026-12-24T18:00:00+09:00 or 2026-12-24T09:00:00Z, or none',
});

const text = (value: string, help: string, pattern: RegExp, expected: string): Option => ({
  value,
  help,
  read: (given) => (pattern.test(given) ? given : undefined),
  expected,
});

const choice = (value: string, help: string, words: readonly string[]): Option => ({
  value,
  help: `${help}: ${words.join(', ')}`,
  read: (given) => (words.includes(given) ? given : undefined),
  expected: `one of ${words.join(', ')}`,
});

/** For a list of campaigns, where `--state` is theirs. */
export const CAMPAIGN_STATE = choice('STATE', 'only campaigns in this state', ['active', 'paused', 'closed']);

const campaignName = ({ help, name }: NameSetting): Option => ({
  value: 'TEXT',
  help,
  field: name,
  read: (text) => (isCampaignName(text) ? text : undefined),
  expected: `at most ${NAME_CHARS_MAX} characters, and no control characters`,
});

export const OPTIONS = {
  ...mapSettings(SETTINGS, 'option', {
    name: campaignName,
    instant: ({ help, name }) => time(help, name),
    integer: ({ help, name, min }) => count(help, name, min),
  }),
  add: count('units to add', 'add', 1),
  key: {
    value: 'KEY',
    help: 'Idempotency-Key: units are added once for each key, however often it is sent; default: a new one',
    read: (text) => (/^[A-Za-z0-9_-]{1,64}$/.test(text) ? text : undefined),
    expected: '1 to 64 letters, digits, _ or -',
  },
  campaign: text('ID', 'only dead letters of this campaign', /^[a-z0-9][a-z0-9-]{0,62}$/, 'the id of a campaign'),
  state: text(
    'STATE',
    'only dead letters in this state: kept, redriving, redriven or discarded',
    /^(kept|redriving|redriven|discarded)$/,
    'kept, redriving, redriven or discarded',
  ),
  reason: text('REASON', 'only dead letters with this reason', /^[\x20-\x7e]{1,64}$/, '1 to 64 printable characters'),
  limit: count('how many dead letters at most', 'limit', 1),
  phase: choice('PHASE', 'only campaigns in this phase', PHASES),
  attention: choice('REASON', 'only campaigns that need an operator for this reason', Object.keys(ATTENTIONS)),
  text: text('TEXT', 'only campaigns with this text in their id or name, in any case', /^\P{Cc}{1,200}$/u, 'some text'),
  file: text('FILE', 'the ids of campaigns, one a line; - for standard input', /^.+$/, 'the name of a file'),
  interval: {
    value: 'SECONDS',
    help: 'how often to look, 1 to 3,600; default: 2',
    read: (text) => (/^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= 3_600 ? Number(text) : undefined),
    expected: 'a whole number from 1 to 3600',
  },
  rounds: {
    value: 'N',
    help: 'how many looks; default: until Ctrl-C',
    read: (text) => (/^\d{1,9}$/.test(text) && Number(text) >= 1 ? Number(text) : undefined),
    expected: 'a whole number from 1, without separators',
  },
  repair: {
    value: '',
    help: 'rebuild the gate from the ledger; for RECOVERY_GRACE_MS only holders of lost tickets can join',
    isSwitch: true,
    read: () => true,
    expected: 'no value',
  },
  yes: {
    value: '',
    help: 'make the change; without it the command is a dry run',
    isSwitch: true,
    read: () => true,
    expected: 'no value',
  },
} as const satisfies Record<string, Option>;

/** What `verb` takes under this name. */
export const optionOf = (verb: { own?: { readonly [Name in OptionName]?: Option } }, name: OptionName): Option =>
  verb.own?.[name] ?? OPTIONS[name];

export type OptionName = keyof typeof OPTIONS;

/** `--rate` for `ratePerSecond`: the API names fields, its user typed options. */
export function optionOfField(field: string): string {
  const found = Object.entries<Option>(OPTIONS).find(([, option]) => option.field === field);
  return found === undefined ? field : `--${found[0]}`;
}
