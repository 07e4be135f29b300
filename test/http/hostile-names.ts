// Hostile user ids, campaign ids and tickets.
import { signTicket } from '../../src/domain/ticket.ts';
import { newKey } from './front.ts';
import { type HostilePlace, type HostileRow, joinPath, shown } from './hostile.ts';

const onFront = (rows: Omit<HostileRow, 'to'>[]): HostileRow[] => rows.map((row) => ({ ...row, to: 'front' }));

/** These are names like any other: hashed, they are in nobody's way. */
const ODD_USERS = [
  '{}',
  '{x}',
  '}{',
  ':',
  'a:b:c',
  '*',
  '?[a-z]*',
  '__proto__',
  'constructor',
  'null',
  '-1',
  '$(id)',
  "' or 1=1--",
  '../../etc/passwd',
  '%00',
  '%0d%0aSet-Cookie:x',
  'a\\nb',
  '<script>',
  '"',
  'a'.repeat(128),
  // As bytes: a raw request sends one for each character.
  Buffer.from('zoë').toString('latin1'),
  Buffer.from('홍길동').toString('latin1'),
];
const NO_USERS = [
  '',
  ' ',
  '\t',
  'a'.repeat(129),
  'a\tb',
  'é',
  '\xa0',
  '\xc2\xa0',
  '\xc2\x85',
  '\xed\xa0\x80',
  '\xef\xbf\xbd',
  'a\x7fb',
  'a'.repeat(8_000),
];

const users = onFront([
  ...ODD_USERS.map((user) => ({
    name: `the user ${shown(user)} joins`,
    statuses: [200, 202],
    request: ({ campaign }: HostilePlace) => ({
      method: 'POST',
      path: joinPath(campaign),
      headers: [['x-user-id', user] as const],
    }),
  })),
  ...NO_USERS.flatMap((user) => [
    {
      name: `the user ${shown(user)} does not join`,
      statuses: [400, 401],
      request: ({ campaign }: HostilePlace) => ({
        method: 'POST',
        path: joinPath(campaign),
        headers: [['x-user-id', user] as const],
      }),
    },
    {
      name: `the user ${shown(user)} polls`,
      statuses: [400, 404],
      request: ({ ticket }: HostilePlace) => ({
        path: `/v1/tickets/${ticket}`,
        headers: [['x-user-id', user] as const],
      }),
    },
  ]),
  { name: 'nobody joins', statuses: [401], request: ({ campaign }) => ({ method: 'POST', path: joinPath(campaign) }) },
  {
    name: 'two users in one join',
    statuses: [200, 202, 400, 401],
    request: ({ campaign }) => ({
      method: 'POST',
      path: joinPath(campaign),
      headers: [['x-user-id', 'owner'] as const, ['X-User-Id', 'mallory'] as const],
    }),
  },
  {
    name: "two users in one poll of the first's ticket",
    statuses: [404],
    request: ({ ticket }) => ({
      path: `/v1/tickets/${ticket}`,
      headers: [['x-user-id', 'owner'] as const, ['X-User-Id', 'mallory'] as const],
    }),
  },
]);

const NO_CAMPAIGNS = [
  '..',
  '%2e%2e',
  '%252e%252e',
  '%00',
  'a%00b',
  '%0d%0a',
  '%2f',
  '..%2f..%2fadmin',
  '%',
  '%zz',
  '%e0%a4%a',
  '%ff',
  'ABC',
  'Sale',
  '-a',
  'a_b',
  'a.b',
  'a b',
  '%20',
  'a'.repeat(64),
  'a'.repeat(5_000),
  '%7bx%7d',
  '{x}',
  'a:b',
  '*',
  '%2a',
  '%F0%9F%8E%AB',
  '\xe9',
  'ｓａｌｅ',
  "'--",
  '$where',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'unknown-but-well-formed',
];

const campaigns = onFront(
  NO_CAMPAIGNS.flatMap((id) => [
    { name: `the campaign ${shown(id)}`, statuses: [400, 404], request: () => ({ path: `/v1/campaigns/${id}` }) },
    {
      name: `a join of the campaign ${shown(id)}`,
      statuses: [400, 404],
      request: () => ({ method: 'POST', path: joinPath(id), headers: [['x-user-id', 'ann'] as const] }),
    },
  ]),
);

/** What is no ticket, made of one that is. */
const NO_TICKETS: [string, (ticket: string, campaign: string) => string][] = [
  ['without its last character', (ticket) => ticket.slice(0, -1)],
  ['without its MAC', (ticket) => ticket.slice(0, -22)],
  ['without its dot', (ticket) => ticket.replace('.', '')],
  ...[1, 2, 3, 8, 16, 21, 22, 23, 24, 40, 60].map((length): [string, (ticket: string) => string] => [
    `cut to ${length}`,
    (ticket) => ticket.slice(0, length),
  ]),
  ['with one more character', (ticket) => `${ticket}A`],
  ['with a leading character', (ticket) => `A${ticket}`],
  ['padded', (ticket) => `${ticket}==`],
  ['with a padded payload', (ticket) => ticket.replace('.', '=.')],
  ['with payload and MAC swapped', (ticket) => ticket.split('.').toReversed().join('.')],
  ['twice', (ticket) => `${ticket}.${ticket}`],
  ['in upper case', (ticket) => ticket.toUpperCase()],
  ['in plain base64', (ticket) => ticket.replaceAll('-', '+').replaceAll('_', '%2F').replace(/^./, '%2B')],
  ['with another last MAC character', (ticket) => ticket.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))],
  ['with another first character', (ticket) => `B${ticket.slice(1)}`],
  ['with another seq', (ticket) => `${ticket.slice(0, 12)}z${ticket.slice(13)}`],
  ['of the same campaign signed with another key', (_, campaign) => foreign(campaign, 1)],
  ['with an unknown key id', (_, campaign) => foreign(campaign, 200)],
  ['of a campaign that is no name', () => foreign('../{x}', 1)],
  ['of dots', () => '.'.repeat(60)],
  ['that is one dot', () => '%2e'],
  ['of NULs', () => '%00'.repeat(30)],
  ['of a slash', () => '%2F'],
  ['that climbs', () => '..%2F..%2Fadmin'],
  ['of 10 kB', () => 'A'.repeat(10_000)],
  ['of 150 characters', () => `${'A'.repeat(127)}.${'A'.repeat(22)}`],
  ['of an all-zero payload', () => `${'A'.repeat(60)}.${'A'.repeat(22)}`],
  ['with a percent at its end', (ticket) => `${ticket}%`],
  ['with a line end', (ticket) => `${ticket}%0d%0a`],
  ['in unicode', () => '%F0%9F%8E%AB'],
  ['named like a property', () => '__proto__'],
];

function foreign(campaign: string, key: number): string {
  const ticket = { campaign, epoch: 1, seq: 1, unit: 1, admittedAt: 1_800_000_000_000, tag: 'AAAAAAAAAAAAAAAA' };
  return signTicket({ current: key, keys: new Map([[key, newKey()]]) }, ticket);
}

const PREFER = [
  'wait=-1',
  'wait=0',
  'wait=1e3',
  'wait=0x5',
  'wait=99999999999s',
  'wait=',
  'wait',
  'wait=1.5',
  ';;;,,,',
  'wait=\xb2',
  'a'.repeat(9_000),
];
const ACCEPT = ['', '*/*', 'text/html', 'application/xml;q=0', 'q=', 'text/event-stream;q=0', ';;;', 'a'.repeat(9_000)];

const tickets = onFront([
  ...NO_TICKETS.map(([name, alter]) => ({
    name: `a ticket ${name}`,
    statuses: name === 'that is one dot' ? [400] : [404],
    request: ({ ticket, campaign }: HostilePlace) => ({ path: `/v1/tickets/${alter(ticket, campaign)}` }),
  })),
  {
    name: 'a long-poll to a Host that no URL can have',
    statuses: [400],
    request: ({ ticket }) => ({
      path: `/v1/tickets/${ticket}`,
      headers: [['Host', '999.1.1.1'] as const, ['prefer', 'wait=1'] as const],
    }),
  },
  {
    name: 'a ticket of somebody else',
    statuses: [404],
    request: ({ ticket }) => ({ path: `/v1/tickets/${ticket}`, headers: [['x-user-id', 'mallory'] as const] }),
  },
  ...PREFER.map((prefer) => ({
    name: `a poll that prefers ${shown(prefer)}`,
    statuses: [200],
    request: ({ ticket }: HostilePlace) => ({ path: `/v1/tickets/${ticket}`, headers: [['prefer', prefer] as const] }),
  })),
  ...ACCEPT.map((accept) => ({
    name: `a poll that accepts ${shown(accept)}`,
    statuses: [200],
    request: ({ ticket }: HostilePlace) => ({ path: `/v1/tickets/${ticket}`, headers: [['accept', accept] as const] }),
  })),
]);

export const hostileNames: HostileRow[] = [...users, ...campaigns, ...tickets];
