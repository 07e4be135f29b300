// Verbs of dead letters. What changes something shows first what it would do: --yes does it.

import { letterDetails, letterTable, letterWork } from './present-letters.ts';
import type { Values, Verb } from './verbs.ts';

const PATH = '/admin/dead-letters';

const decide = (verb: 'redrive' | 'discard', help: string): Verb => ({
  noun: 'dead-letters',
  name: verb,
  takes: 'letters',
  needs: ['campaign'],
  may: ['reason', 'limit', 'yes'],
  help: `${help} Without --yes it only says what it would do.`,
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
    help: 'Tickets that were given up, oldest first, and how many there are by reason.',
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
    help: 'One of them, with all that is known of it.',
    request: ([id]) => ({ method: 'GET', path: `${PATH}/${id}` }),
    show: letterDetails,
  },
  decide('redrive', 'Try kept tickets of a campaign again: all, those of a reason, or those named.'),
  decide('discard', 'Give kept tickets up for good. Their units are sold again.'),
];

const query = ({ campaign, state }: Values): string =>
  Object.entries({ campaign, state })
    .map(([name, value]) => (value === undefined ? '' : `&${name}=${String(value)}`))
    .join('');
