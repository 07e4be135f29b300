// Verbs of dead letters. What changes something shows first what it would do: --yes does it.

import { letterDetails, letterTable, letterWork } from './present-letters.ts';
import type { Values, Verb } from './verb.ts';

const PATH = '/admin/dead-letters';

const decide = (verb: 'redrive' | 'discard', help: string): Verb => ({
  noun: 'dead-letters',
  name: verb,
  takes: 'letters',
  needs: ['campaign'],
  may: ['reason', 'limit', 'yes'],
  help: `${help} Without --yes it only shows what it would do.`,
  request: (tickets, { campaign, reason, limit, yes }) => ({
    method: 'POST',
    path: `${PATH}/${verb}`,
    body: {
      campaign,
      ...(tickets.length > 0 && { tickets }),
      ...(reason !== undefined && { reason }),
      ...(limit !== undefined && { limit }),
      dryRun: yes !== true,
    },
  }),
  show: (body) => letterWork(verb, body),
});

export const LETTER_VERBS: readonly Verb[] = [
  {
    noun: 'dead-letters',
    name: 'list',
    takes: 'nothing',
    needs: [],
    may: ['campaign', 'state'],
    help: 'List dead letters, oldest first, with a count for each reason.',
    request: (_, values) => ({ method: 'GET', path: `${PATH}?limit=500${query(values)}` }),
    show: letterTable,
    pages: 'deadLetters',
  },
  {
    noun: 'dead-letters',
    name: 'show',
    takes: 'letter',
    needs: [],
    may: [],
    help: 'Show one dead letter with everything the ledger holds about it.',
    request: ([id]) => ({ method: 'GET', path: `${PATH}/${id}` }),
    show: letterDetails,
  },
  decide('redrive', "Retry a campaign's dead letters: all of them, those with --reason, or the ones you list."),
  decide('discard', "Give up a campaign's dead letters permanently. Their units are sold again."),
];

const query = ({ campaign, state }: Values): string =>
  Object.entries({ campaign, state })
    .map(([name, value]) => (value === undefined ? '' : `&${name}=${String(value)}`))
    .join('');
