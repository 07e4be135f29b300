// Verbs that take campaigns and buyers out of the stores. Each shows first what would go: --yes does it.
import { type CampaignEnd, campaignNames, type Erasure, wentWords } from './present-ends.ts';
import type { Verb } from './verb.ts';

const end = (verb: 'archive' | 'purge', help: string): Verb => ({
  noun: 'campaign',
  name: verb,
  takes: 'campaign',
  needs: [],
  may: ['yes'],
  help: `${help} Without --yes it only shows what would go.`,
  request: ([id], { yes }) => ({
    method: 'POST',
    path: `/admin/campaigns/${id}/${verb}`,
    body: { dryRun: yes !== true },
  }),
  show: (body) => wentWords(verb, body as CampaignEnd),
});

export const END_VERBS: readonly Verb[] = [
  end('archive', 'Archive a campaign that is over: its keys leave Redis, its tickets are answered from the ledger.'),
  end('purge', 'Delete the tickets of an archived campaign from the ledger permanently.'),
];

export const USER_VERBS: readonly Verb[] = [
  {
    noun: 'user',
    name: 'erase',
    takes: 'user',
    needs: [],
    may: ['yes'],
    help: "Replace a buyer's id by a pseudonym in campaigns that are over. Without --yes it only shows where.",
    request: ([user], { yes }) => ({
      method: 'POST',
      path: '/admin/users/erase',
      body: { user, dryRun: yes !== true },
    }),
    show: (body) => campaignNames(body as Erasure),
  },
];
