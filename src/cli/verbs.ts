// What can be done to campaigns: each verb with the options it takes, the request it becomes and how its answer is shown.
import { randomUUID } from 'node:crypto';
import { OPTIONS, type OptionName } from './options.ts';
import { campaignDetails, campaignTable } from './present.ts';

export type Values = Partial<Record<OptionName, string | number | boolean | null>>;

export interface Request {
  method: 'GET' | 'POST' | 'PATCH';
  path: string;
  body?: Values | Record<string, unknown>;
  idempotencyKey?: string;
}

export interface Verb {
  noun: 'campaign' | 'dead-letters' | 'reconcile';
  name: string;
  /** What stands behind it: the id of a campaign, that of a dead letter, or any number of letters' ids and tickets. */
  takes: 'campaign' | 'letter' | 'letters' | 'nothing';
  needs: readonly OptionName[];
  may: readonly OptionName[];
  help: string;
  request(names: readonly string[], values: Values): Request;
  show(body: unknown): string;
  /** The answer is a page of the list in this field, in order of `id`: ask for the next until one is empty. */
  pages?: 'campaigns' | 'deadLetters';
}

const at = (id: string | undefined, rest = '') => `/admin/campaigns/${id}${rest}`;
const CHANGEABLE = ['name', 'opens-at', 'closes-at', 'rate', 'burst', 'backlog-max'] as const;

const turn = (verb: string, help: string): Verb => ({
  name: verb,
  noun: 'campaign',
  takes: 'campaign',
  needs: [],
  may: [],
  help,
  request: ([id]) => ({ method: 'POST', path: at(id, `/${verb}`) }),
  show: campaignDetails,
});

export const CAMPAIGN_VERBS: readonly Verb[] = [
  {
    name: 'create',
    noun: 'campaign',
    takes: 'campaign',
    needs: ['stock'],
    may: [...CHANGEABLE, 'shards'],
    help: 'Create a campaign. Doing it twice is harmless.',
    request: ([id], values) => ({ method: 'POST', path: '/admin/campaigns', body: { id, ...fields(values) } }),
    show: campaignDetails,
  },
  {
    name: 'list',
    noun: 'campaign',
    takes: 'nothing',
    needs: [],
    may: [],
    help: 'All campaigns, by id.',
    request: () => ({ method: 'GET', path: '/admin/campaigns?limit=500' }),
    show: (body) => campaignTable((body as { campaigns: unknown[] }).campaigns),
    pages: 'campaigns',
  },
  {
    name: 'show',
    noun: 'campaign',
    takes: 'campaign',
    needs: [],
    may: [],
    help: 'One campaign, and how it goes.',
    request: ([id]) => ({ method: 'GET', path: at(id) }),
    show: campaignDetails,
  },
  {
    name: 'change',
    noun: 'campaign',
    takes: 'campaign',
    needs: [],
    may: CHANGEABLE,
    help: 'Change a live campaign; what is not named stays.',
    request: ([id], values) => ({ method: 'PATCH', path: at(id), body: fields(values) }),
    show: campaignDetails,
  },
  turn('pause', 'Refuse joins for now. Tickets handed out are still issued.'),
  turn('resume', 'Admit joins again.'),
  turn('close', 'End the sale for good. Tickets handed out are still issued.'),
  {
    name: 'add-stock',
    noun: 'campaign',
    takes: 'campaign',
    needs: ['add'],
    may: ['key'],
    help: 'Add units, once for each key.',
    request: ([id], { add, key }) => ({
      method: 'POST',
      path: at(id, '/stock'),
      body: { add },
      idempotencyKey: String(key ?? randomUUID()),
    }),
    show: campaignDetails,
  },
];

function fields(values: Values): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const option = OPTIONS[name as OptionName];
      return ['field' in option ? option.field : name, value];
    }),
  );
}
