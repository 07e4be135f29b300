// What one seed stands for: the size of the sale, which processes there are, and which kinds of things happen to them.
import { between, type Chance, chanceOf, oneOf } from '../faults/chance.ts';

export interface Plan {
  seed: string;
  stock: number;
  users: number;
  shards: number;
  /** `f…` are fronts, `w…` workers. */
  processes: string[];
  steps: number;
  /** Whether every effect takes the better part of a second: a rebuild then takes longer than its lock lasts. */
  isSlow: boolean;
  /** The share of effects that wait for long, and for how many steps. */
  heldShare: number;
  heldMax: number;
  /** Effects that are mostly held in this run: somebody stands still in the middle of something. */
  held: RegExp | undefined;
  /** What happens first, while nothing has been done yet. */
  prelude: string[];
  /** Events besides effects and timers, each with its weight. */
  events: [event: string, weight: number][];
  /** Shares of steps that begin something, and whose answer is lost. */
  eventShare: number;
  lostShare: number;
}

type Weighted = [event: string, weight: number];

const HOUR = 3_600_000;

/** Kinds of trouble. */
const TROUBLES: Record<string, (names: string[], chance: Chance) => Weighted[]> = {
  crashes: (names) =>
    names.flatMap((name): Weighted[] => [
      [`crash ${name}`, 0.5],
      [`start ${name}`, 1.5],
    ]),
  sleeps: (names) => names.map((name) => [`sleep ${name} ${HOUR}`, 0.2]),
  naps: (names) => names.map((name) => [`sleep ${name} 12000`, 0.5]),
  restarts: () => [['redis restart', 1]],
  forgetting: () => [['redis flush', 1]],
  rewinding: () => [
    ['redis save', 1.5],
    ['redis put-back', 1],
  ],
  backups: () => [
    ['ledger save', 0.5],
    ['ledger put-back', 0.3],
  ],
  strangers: (_, chance) => [[`foreign ${between(chance, 0, 2)}`, 0.5]],
  sourness: (_, chance) => [
    [`sour u${between(chance, 1, 2)}`, 3],
    ['sweeten', 0.7],
  ],
  clocks: (names, chance) => [[`clock ${oneOf(chance, [...names, 'redis'])} ${oneOf(chance, [-HOUR, HOUR])}`, 0.4]],
  leaps: () => [
    ['leap 400', 2],
    ['leap 1100', 2],
    ['leap 6000', 0.4],
    ['leap 16000', 0.3],
  ],
  settings: () => [
    ['operator pause f1', 1],
    ['operator resume f1', 1.2],
    ['operator change f1', 0.8],
  ],
  stock: () => [['operator add-stock f1', 0.7]],
  ends: () => [['operator close f1', 0.6]],
  letters: () => [
    ['operator redrive f1', 0.8],
    ['operator discard f1', 1.2],
  ],
  repairs: () => [['operator repair f1', 1.2]],
  returns: (names) =>
    names
      .filter((name) => name.startsWith('f'))
      .flatMap((front) => [1, 2, 3].map((user): Weighted => [`ask u${user} give-back ${front}`, 1.5])),
};

/** Troubles that have met before; the last is any of them. */
const THEMES: string[][] = [
  ['repairs', 'returns'],
  ['repairs', 'returns', 'sourness', 'leaps'],
  ['returns', 'sourness', 'leaps', 'letters'],
  ['repairs', 'sourness', 'letters', 'leaps', 'returns'],
  ['repairs', 'settings', 'stock'],
  ['forgetting', 'settings', 'stock', 'ends'],
  ['forgetting', 'leaps', 'returns'],
  ['forgetting', 'leaps', 'letters', 'returns'],
  ['rewinding', 'leaps', 'returns'],
  ['rewinding', 'restarts', 'letters', 'sourness', 'leaps'],
  ['crashes', 'returns', 'leaps'],
  ['crashes', 'restarts', 'repairs'],
  ['strangers', 'repairs', 'ends'],
  ['settings', 'stock', 'returns', 'leaps'],
];

/** Where a pause has something to tell: between two effects of one task. */
const HELD = [
  /insert issuances/,
  /insert issuances/,
  /issuer: settle/,
  /issuer: (select|schedule)/,
  /(recoverer|repair): rebuild/,
  /(recoverer|repair): (select|list)/,
  /(recoverer|repair): (update|commit|pipeline)/,
  /give-back: (cancel|commit|outcome)/,
  /give-back: (insert|select|give-back|update)/,
  /retrier:/,
  /(discard|redrive):/,
  /(project|update campaigns)/,
  /front: /,
  /finisher:/,
];

export function planOf(seed: string): Plan {
  const chance = chanceOf(`plan ${seed}`);
  const stock = oneOf(chance, [1, 1, 1, 2, 2, 3, 4]);
  const users = Math.min(5, stock + between(chance, 1, 2));
  const fronts = chance() < 0.15 ? ['f1', 'f2'] : ['f1'];
  const workers = ['w1', 'w2', 'w3'].slice(0, oneOf(chance, [1, 1, 2, 2, 2, 3]));
  const processes = [...fronts, ...workers];
  const kinds = chance() < 0.7 ? oneOf(chance, THEMES) : Object.keys(TROUBLES).filter(() => chance() < 0.3);
  const events: Weighted[] = kinds.flatMap((kind) => TROUBLES[kind]!(processes, chance));
  for (let user = 1; user <= users; user += 1) {
    for (const front of fronts) events.push([`ask u${user} join ${front}`, 2], [`ask u${user} poll ${front}`, 0.6]);
  }
  return {
    seed,
    stock,
    users,
    shards: oneOf(chance, [1, 1, 1, 2, 3]),
    processes,
    steps: between(chance, 80, 240),
    isSlow: chance() < 0.06,
    heldShare: oneOf(chance, [0, 0.03, 0.1]),
    heldMax: oneOf(chance, [20, 50, 90]),
    held: chance() < 0.75 ? oneOf(chance, HELD) : undefined,
    prelude: [
      ...events.filter(([event]) => /^sour /.test(event) && chance() < 0.7).map(([event]) => event),
      ...Array.from({ length: between(chance, 0, users) }, (_, index) => `ask u${index + 1} join f1`),
    ],
    events: events.filter(([event]) => !/^ask u(\d)/.test(event) || Number(event[5]) <= users),
    eventShare: oneOf(chance, [0.08, 0.15, 0.25]),
    lostShare: oneOf(chance, [0, 0, 0, 0.01, 0.03]),
  };
}
