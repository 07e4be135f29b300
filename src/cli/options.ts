// The options of the verbs: what each takes, the field of the admin API it fills, and how it is explained.
import { isCampaignName, NAME_CHARS_MAX } from '../domain/campaign-name.ts';

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
    const hasOffset = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
    return hasOffset && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString() : undefined;
  },
  expected: 'a time such as 2026-12-24T18:00:00+09:00 or 2026-12-24T09:00:00Z, or none',
});

const text = (value: string, help: string, pattern: RegExp, expected: string): Option => ({
  value,
  help,
  read: (given) => (pattern.test(given) ? given : undefined),
  expected,
});

export const OPTIONS = {
  stock: count('units for sale', 'stock', 1),
  add: count('units to add', 'add', 1),
  name: {
    value: 'TEXT',
    help: 'what people see',
    field: 'name',
    read: (text) => (isCampaignName(text) ? text : undefined),
    expected: `at most ${NAME_CHARS_MAX} characters, and no control characters`,
  },
  'opens-at': time('first moment of the sale', 'opensAt'),
  'closes-at': time('end of the sale', 'closesAt'),
  rate: count('joins admitted per second; 0: no limit', 'ratePerSecond'),
  burst: count('joins admitted at once; default: one second of the rate', 'burst', 1),
  'backlog-max': count('tickets that may wait for issuance; 0: no bound', 'backlogMax'),
  shards: count('work streams; cannot be changed later', 'shards', 1),
  key: {
    value: 'KEY',
    help: 'Idempotency-Key: the same key adds once, however often it is sent',
    read: (text) => (/^[A-Za-z0-9_-]{1,64}$/.test(text) ? text : undefined),
    expected: '1 to 64 letters, digits, _ or -',
  },
  campaign: text('ID', 'dead letters of this campaign', /^[a-z0-9][a-z0-9-]{0,62}$/, 'the id of a campaign'),
  state: text(
    'STATE',
    'kept, redriving, redriven or discarded',
    /^(kept|redriving|redriven|discarded)$/,
    'kept, redriving, redriven or discarded',
  ),
  reason: text('REASON', 'those given up for this reason', /^[\x20-\x7e]{1,64}$/, '1 to 64 printable characters'),
  limit: count('at most so many', 'limit', 1),
  repair: {
    value: '',
    help: 'build the gate anew from the ledger: joins are refused for a moment',
    isSwitch: true,
    read: () => true,
    expected: 'no value',
  },
  yes: {
    value: '',
    help: 'do it',
    isSwitch: true,
    read: () => true,
    expected: 'no value',
  },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;

/** `--rate` for `ratePerSecond`: the API names fields, its user typed options. */
export function optionOfField(field: string): string {
  const found = Object.entries<Option>(OPTIONS).find(([, option]) => option.field === field);
  return found === undefined ? field : `--${found[0]}`;
}
