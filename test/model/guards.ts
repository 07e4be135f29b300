// Scenarios that must go on finding nothing.
import {
  admitted,
  FRONT_READS,
  GIVE_BACK,
  ISSUER_BEFORE_INSERT,
  REFUSED_BEFORE_INSERT,
  REPAIR,
  type Scenario,
} from './scenario-parts.ts';

/** Worker 1 has compared lines and gates, and does so again in a minute. */
const FIRST_SWEEP = 'drive w1 janitor past pipeline time hgetall zcard';

/** Scenarios that go well, because something sees to it: `broken-builds.test.ts` takes that out. */
export const GUARDS: Scenario[] = [
  {
    name: 'a ticket that is given back while it is retried is not issued',
    rule: 'wish-forgotten-202',
    finding: 'none',
    plan: { processes: ['f1', 'w1'] },
    events: [...REFUSED_BEFORE_INSERT, 'drive w1 issuer past settle', ...GIVE_BACK('u1')],
  },
  {
    name: 'the unit of a ticket that is kept as a letter outlives a rebuild',
    rule: 'unit-kept-and-free',
    finding: 'none',
    plan: { stock: 1, processes: ['f1', 'w1'] },
    events: [
      'sour u1',
      'ask u1 join f1',
      'drive f1 u1 join until answer',
      'lose f1 u1 join: answer',
      ...ISSUER_BEFORE_INSERT,
      'drive w1 issuer past settle',
      'drive w1 retrier past remove retry',
      ...REPAIR,
    ],
  },
  {
    name: 'a ticket of a later epoch is not settled by a worker of the epoch before',
    rule: 'told-issued',
    finding: 'none',
    plan: {},
    events: [
      ...admitted('u1'),
      ...ISSUER_BEFORE_INSERT,
      'redis flush',
      'drive w1 recoverer past lease-release',
      'leap 400',
      FRONT_READS,
      ...admitted('u2'),
      'drive w2 issuer until insert issuances',
      'drive w1 issuer past settle',
      'crash w2',
    ],
  },
  {
    name: 'a ticket that is given out while another one of its campaign is issued is issued, too',
    rule: 'no-rest',
    finding: 'none',
    plan: { processes: ['f1', 'w1'] },
    // A worker knows for a moment which campaigns it last saw in line; one that is restarted reads the line.
    events: [
      FIRST_SWEEP,
      ...admitted('u1'),
      ...ISSUER_BEFORE_INSERT,
      ...admitted('u2'),
      'drive w1 issuer past settle',
      'crash w1',
    ],
  },
  {
    name: 'a line that somebody deletes is made again from the gates',
    rule: 'no-rest',
    finding: 'none',
    plan: { processes: ['f1', 'w1'] },
    events: [FIRST_SWEEP, ...admitted('u1'), 'redis unlist', 'leap 61000'],
  },
];
