// What can be done to campaigns: each verb with the options it takes, the request it becomes and how its answer is shown.
import { randomUUID } from 'node:crypto';
import { CHANGEABLE, FIXED } from '../domain/campaign-settings.ts';
import { FILTERS, LIST, listRequest } from './campaign-filters.ts';
import { END_VERBS } from './end-verbs.ts';
import { checkClose, closeMany, IMPORT_VERB } from './many-verbs.ts';
import { CAMPAIGN_STATE, OPTIONS, type OptionName } from './options.ts';
import { type Campaign, campaignDetails, campaignTable } from './present.ts';
import type { Done, Request, Values, Verb } from './verb.ts';
import { counted } from './words.ts';

const at = (id: string | undefined, rest = '') => `/admin/campaigns/${id}${rest}`;
const CHANGES = CHANGEABLE.map(({ option }) => option);

/** First what happened and what it means, then the campaign as it is now. */
const told = (say: (campaign: Campaign, done: Done) => string) => (body: unknown, done: Done) =>
  `${say(body as Campaign, done)}\n\n${campaignDetails(body)}`;

const turn = (verb: string, help: string, say: (id: string) => string): Verb => ({
  name: verb,
  noun: 'campaign',
  takes: 'campaign',
  needs: [],
  may: [],
  help,
  request: ([id]) => ({ method: 'POST', path: at(id, `/${verb}`) }),
  show: told(({ id }) => say(id)),
});

const STILL_ISSUED = 'Workers still issue the tickets that were handed out.';

export const CAMPAIGN_VERBS: readonly Verb[] = [
  {
    name: 'create',
    noun: 'campaign',
    takes: 'campaign',
    needs: ['stock'],
    may: [...CHANGES, ...FIXED.map(({ option }) => option)],
    help: 'Create a campaign. Running it twice creates one campaign.',
    request: ([id], values) => ({ method: 'POST', path: '/admin/campaigns', body: { id, ...fields(values) } }),
    show: told(({ id, stock, opensAt }, { isNew }) => {
      if (!isNew) return `Campaign ${id} exists already, created with the same settings. Nothing was changed.`;
      const open = opensAt === null ? 'It is open now' : `It opens at ${opensAt}`;
      const join = `POST /v1/campaigns/${id}/tickets`;
      return `Created campaign ${id} with ${counted(stock, 'unit')}. ${open}: buyers join with ${join}.`;
    }),
  },
  {
    name: 'list',
    noun: 'campaign',
    takes: 'nothing',
    needs: [],
    may: FILTERS,
    own: { state: CAMPAIGN_STATE },
    help: 'List campaigns: first those that need an operator, then by phase and id.',
    request: (_, values) => listRequest(values),
    show: (body, { request }) => campaignTable((body as { campaigns: unknown[] }).campaigns, request.path !== LIST),
    pages: 'campaigns',
  },
  IMPORT_VERB,
  {
    name: 'show',
    noun: 'campaign',
    takes: 'campaign',
    needs: [],
    may: [],
    help: 'Show the settings of a campaign and the progress of its sale.',
    request: ([id]) => ({ method: 'GET', path: at(id) }),
    show: campaignDetails,
  },
  {
    name: 'change',
    noun: 'campaign',
    takes: 'campaign',
    needs: [],
    may: CHANGES,
    help: 'Change settings of a campaign while it runs. Settings you do not name stay as they are.',
    request: ([id], values) => ({ method: 'PATCH', path: at(id), body: fields(values) }),
    show: told(({ id }) => `Campaign ${id} now has these settings.`),
  },
  turn(
    'pause',
    `Refuse new joins until you resume. ${STILL_ISSUED}`,
    (id) => `Paused ${id}: new joins are refused (503). ${STILL_ISSUED} To resume: sluice campaign resume ${id}`,
  ),
  turn(
    'resume',
    'Admit joins again.',
    (id) => `Resumed ${id}: joins are admitted again, within its times, rate and stock.`,
  ),
  {
    name: 'close',
    noun: 'campaign',
    takes: 'campaigns',
    needs: [],
    may: ['file', ...FILTERS, 'yes'],
    own: { state: CAMPAIGN_STATE },
    help: `End the sale permanently, of one campaign or of many. ${STILL_ISSUED} Without --yes it only shows which, of several.`,
    check: checkClose,
    work: closeMany,
    request: ([id]) => ({ method: 'POST', path: at(id, '/close') }),
    show: told(({ id }) => `Closed ${id} permanently: new joins are refused (410). ${STILL_ISSUED}`),
  },
  {
    name: 'add-stock',
    noun: 'campaign',
    takes: 'campaign',
    needs: ['add'],
    may: ['key'],
    help: 'Add units to the stock, once for each key.',
    request: ([id], { add, key }) => ({
      method: 'POST',
      path: at(id, '/stock'),
      body: { add },
      idempotencyKey: String(key ?? randomUUID()),
    }),
    show: told((campaign, { request }) => stockWords(campaign as Campaign & { added: number }, request)),
  },
  ...END_VERBS,
];

function stockWords({ added, stock }: Campaign & { added: number }, { body, idempotencyKey }: Request): string {
  const now = `stock is now ${counted(stock, 'unit')}`;
  if (added > 0) return `Added ${counted(added, 'unit')}; ${now}. Sending key ${idempotencyKey} again adds nothing.`;
  const before = counted(Number((body as { add: number }).add), 'unit');
  return `Key ${idempotencyKey} had already added ${before}, so nothing was added this time; ${now}.`;
}

function fields(values: Values): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const option = OPTIONS[name as OptionName];
      return ['field' in option ? option.field : name, value];
    }),
  );
}
