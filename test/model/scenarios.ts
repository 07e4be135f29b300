// Runs that were found, or written after what was seen on a running service, cut down to what they need. Each names the
// rule that it broke. `drive` says how far a task gets, not by which steps, so that a scenario outlives most changes.
import { LETTER_SCENARIOS } from './letter-scenarios.ts';
import { planOf } from './plan.ts';
import { type Run, replay } from './run.ts';
import {
  admitted,
  FRONT_READS,
  GIVE_BACK,
  ISSUER_BEFORE_INSERT,
  REFUSED_BEFORE_INSERT,
  REPAIR,
  type Scenario,
} from './scenario-parts.ts';
import type { Stage } from './stage.ts';

export const SCENARIOS: Scenario[] = [
  {
    name: 'a rebuild that takes longer than its lock is begun again and again by two workers',
    rule: 'gate-stays-shut',
    finding: 'rebuild-outlives-its-lock',
    plan: { isSlow: true, shards: 3, processes: ['f1', 'w1', 'w2'] },
    events: ['redis flush', 'drive w1 recoverer past rebuild-begin'],
  },
  {
    name: 'a pause while the gate is rebuilt is undone by the rebuild',
    rule: 'settings-differ',
    finding: 'settings-undone-by-a-rebuild',
    plan: {},
    events: [
      'operator repair f1',
      'drive f1 operator repair until rebuild-begin',
      'operator pause f1',
      'drive f1 operator pause',
    ],
  },
  {
    name: 'stock that is added and sold while the gate is rebuilt is for sale once more',
    rule: 'unit-sold-and-above',
    finding: 'settings-undone-by-a-rebuild',
    plan: { stock: 1, users: 3 },
    events: [
      ...admitted('u2'),
      'operator repair f1',
      'drive f1 operator repair until rebuild-begin',
      'operator add-stock f1',
      'drive f1 operator add-stock',
      ...admitted('u1'),
      'drive f1 operator repair',
      'operator add-stock f1',
    ],
  },
  {
    name: 'a ticket in the hands of a worker is given back by the gate alone after a rebuild, and issued as well',
    rule: 'row-and-cancellation',
    finding: 'give-back-beside-a-rebuild',
    plan: { processes: ['f1', 'w1'] },
    events: [...admitted('u1'), ...ISSUER_BEFORE_INSERT, ...REPAIR, FRONT_READS, ...GIVE_BACK('u1')],
  },
  {
    name: 'giving back a ticket whose unit is somebody else’s puts that unit up for sale',
    rule: 'unit-sold-and-free',
    finding: 'unit-of-another-freed',
    plan: { stock: 1, processes: ['f1', 'w1'] },
    events: [
      // Who never hears of the ticket does not ask for it either: that would take the unit out of the free list again.
      'ask u1 join f1',
      'drive f1 u1 join until answer',
      'lose f1 u1 join: answer',
      ...ISSUER_BEFORE_INSERT,
      'redis flush',
      'drive w1 recoverer past lease-release',
      'leap 400',
      FRONT_READS,
      ...admitted('u2'),
      'drive w1 issuer past settle',
      // The issuer of the epoch before receives it first, and may not settle it.
      'drive w1 issuer past settle',
      'drive w1 issuer past settle',
      'drive w1 issuer past settle',
      ...GIVE_BACK('u2'),
    ],
  },
  {
    name: 'a DELETE that was answered 202 is forgotten by a rebuild, and its ticket issued',
    rule: 'wish-forgotten-202',
    finding: 'wish-forgotten',
    plan: { processes: ['f1', 'w1'] },
    events: [...REFUSED_BEFORE_INSERT, 'drive w1 issuer past settle', ...GIVE_BACK('u1'), ...REPAIR],
  },
  {
    name: 'an entry of a stranger in a stream that nobody reads makes every rebuild fail',
    rule: 'gate-stays-shut',
    finding: 'foreign-entry',
    plan: {},
    events: ['redis flush', 'foreign 0'],
  },
  {
    name: 'a cancellation that commits between the readings of a rebuild is in none of them',
    rule: 'unit-sold-and-free',
    finding: 'cancelled-between-the-readings',
    plan: { processes: ['f1', 'w1'] },
    events: [
      ...admitted('u1'),
      ...ISSUER_BEFORE_INSERT,
      'drive w1 issuer past settle',
      'ask u1 give-back f1',
      'drive f1 u1 give-back until select campaigns for update',
      'operator repair f1',
      'drive f1 operator repair until select issuances',
      'drive f1 u1 give-back',
      'drive f1 operator repair',
      'leap 400',
      ...admitted('u1'),
    ],
  },
  {
    name: 'a gate from before a close is found whole, and goes on selling',
    rule: 'settings-differ',
    finding: 'settings-of-an-old-gate',
    plan: {},
    events: ['redis save', 'operator close f1', 'drive f1 operator close', 'redis put-back'],
  },
  {
    name: 'an issuer that did not hear of its settling issues again what was given back meanwhile',
    rule: 'unit-sold-and-free',
    finding: 'issued-again-after-a-lost-answer',
    plan: { processes: ['f1', 'w1'] },
    events: [
      ...admitted('u1'),
      ...ISSUER_BEFORE_INSERT,
      'drive w1 issuer until settle',
      'lose w1 issuer: settle',
      ...GIVE_BACK('u1'),
    ],
  },
  {
    name: 'a worker whose batch was claimed issues what was given back since',
    rule: 'unit-sold-and-free',
    finding: 'issued-after-it-was-given-back',
    plan: {},
    events: [
      ...admitted('u1'),
      ...ISSUER_BEFORE_INSERT,
      'leap 16000',
      'drive w2 issuer past settle',
      FRONT_READS,
      ...GIVE_BACK('u1'),
    ],
  },
  {
    name: 'a gate from before a give-back is found whole, and tells for ever that the ticket is issued',
    rule: 'unit-nowhere',
    finding: 'rewound-gate-found-whole',
    plan: { processes: ['f1', 'w1'] },
    events: [
      ...admitted('u1'),
      ...ISSUER_BEFORE_INSERT,
      'drive w1 issuer past settle',
      'redis save',
      ...GIVE_BACK('u1'),
      'redis put-back',
    ],
  },
  {
    name: 'a front that has just started tells a holder, while the gate is rebuilt, that there is no such campaign',
    rule: 'holder-refused',
    finding: 'front-without-a-roll',
    plan: { processes: ['f1', 'f2', 'w1'] },
    events: [
      ...admitted('u1'),
      'operator repair f1',
      'drive f1 operator repair past rebuild-begin',
      'ask u1 join f2',
      'drive f2 u1 join',
    ],
  },
  {
    name: 'a front whose memory is older than an admission by another one tells its holder that all is sold',
    rule: 'holder-refused',
    finding: 'refused-by-an-old-memory',
    plan: { stock: 1, processes: ['f1', 'f2', 'w1'] },
    events: [
      ...admitted('u2'),
      FRONT_READS,
      'drive f1 front past hkeys',
      FRONT_READS,
      'ask u2 give-back f2',
      'drive f2 u2 give-back',
      'ask u1 join f2',
      'drive f2 u1 join',
      'ask u1 join f1',
      'drive f1 u1 join',
    ],
  },
  {
    name: 'a restored ticket for which no unit is left becomes a letter although its user has a row',
    rule: 'row-and-letter',
    finding: 'issued-and-retried',
    plan: { stock: 1, processes: ['f1', 'w1'] },
    events: [
      ...admitted('u1'),
      ...ISSUER_BEFORE_INSERT,
      'redis flush',
      'drive w1 recoverer past lease-release',
      'leap 400',
      FRONT_READS,
      ...admitted('u2'),
      'drive w1 issuer past insert issuances',
    ],
  },
  {
    name: 'a ticket is settled as being retried on a gate that has lost its job',
    rule: 'no-rest',
    finding: 'retry-lost-with-the-tail',
    plan: { processes: ['f1', 'w1'] },
    events: [...REFUSED_BEFORE_INSERT, 'redis save', 'drive w1 issuer past schedule retry', 'redis put-back'],
  },
  ...LETTER_SCENARIOS,
];

/** What a scenario does not say of its sale. */
const SMALL_SALE = { stock: 2, users: 3, shards: 1, isSlow: false, processes: ['f1', 'w1', 'w2'] };

export const playScenario = (stage: Stage, { plan, events }: Scenario): Promise<Run> =>
  replay(stage, { ...planOf('a scenario'), ...SMALL_SALE, ...plan }, events);
