// The shapes by name. The first six are the incident reports' own, as arrivals instead of users in a loop: a user in a loop
// waits for a slow answer and sends less, so that the load hides what it should show.
import type { Arrivals, Shape, Stage } from './shape.ts';

/** The goals of the service for joins, and what no load may break. */
const GOALS = { joinP95Ms: 300, joinP99Ms: 800 };
const ALWAYS = { failed: 0, dropped: 0, lost: 0, overIssued: 0, deadLetters: 0 };
/** Every accepted ticket is issued within 5 s of the last join. */
const DRAINED = { issuedAfterMs: 5_000 };

const ALL_ADMITTED = {
  join: [200, 202],
  poll: [200],
  wait: [200],
  campaign: [200],
  'give-back': [200, 202],
};
const SOLD_OUT = { ...ALL_ADMITTED, join: [200, 202, 409] };

const BASE = {
  joinedBefore: 0,
  followShare: 0.02,
  followBy: 'poll',
  operator: [],
  answers: ALL_ADMITTED,
  bars: { ...ALWAYS, ...DRAINED, ...GOALS },
} as const satisfies Partial<Shape>;

const joins = (fromPerSecond: number, inFlightMax: number, ...stages: Stage[]): Arrivals => ({
  act: 'join',
  fromPerSecond,
  stages,
  inFlightMax,
});
const to = (toPerSecond: number, seconds: number): Stage => ({ toPerSecond, seconds });
/** At once to a rate, and there for so long. */
const at = (perSecond: number, seconds: number): Stage[] => [to(perSecond, 0), to(perSecond, seconds)];

const smoke: Shape = {
  ...BASE,
  name: 'smoke',
  asks: 'Does every call of the public API answer as it should?',
  stock: 100,
  arrivals: [{ act: 'journey', fromPerSecond: 1, stages: [to(1, 5)], inFlightMax: 20 }],
};

const stress: Shape = {
  ...BASE,
  name: 'stress',
  asks: 'Does a crowd that grows and leaves over four minutes get every ticket, issued as fast as it comes?',
  reports:
    '300 users in a loop, 8 stages in 4 minutes, about 690 requests/s; here 2.5 buyers/s arrive for each of their users',
  stock: 110_000,
  arrivals: [
    joins(0, 300, to(125, 30), to(250, 30), to(375, 30), to(500, 30), to(625, 30), to(750, 30), to(750, 30), to(0, 30)),
  ],
};

const peak: Shape = {
  ...BASE,
  name: 'peak',
  asks: 'Are 1,000 joins a second taken for 30 s without one that is refused, late or lost?',
  reports: '1,000 requests/s for 30 s with up to 500 users',
  stock: 30_000,
  arrivals: [joins(1_000, 500, to(1_000, 30))],
  bars: { ...BASE.bars, unsold: 0 },
};

const steps: Shape = {
  ...BASE,
  name: 'steps',
  asks: 'Does each step of the load answer like the one before?',
  reports: '100, 200 and 500 users; here as many buyers arrive each second, 20 s a step',
  stock: 20_000,
  arrivals: [joins(100, 300, to(100, 20), ...at(200, 20), ...at(500, 20))],
};

const spike: Shape = {
  ...BASE,
  name: 'spike',
  asks: 'Does a crowd that grows fivefold within 30 s notice anything?',
  reports: '150 to 800 users within 30 s; here as many buyers arrive each second, and stay for 10 s more',
  stock: 25_000,
  arrivals: [joins(150, 500, to(800, 30), to(800, 10), to(0, 2))],
};

const allApis: Shape = {
  ...BASE,
  name: 'all-apis',
  asks: 'Does every call of the public API hold its time while all of them are used?',
  reports: '1, then 3, then 5 users through all APIs; here as many buyers arrive each second, 20 s a step',
  stock: 1_000,
  arrivals: [{ act: 'journey', fromPerSecond: 1, stages: [to(1, 20), ...at(3, 20), ...at(5, 20)], inFlightMax: 60 }],
  bars: { ...BASE.bars, pollP95Ms: 300 },
};

const reopen: Shape = {
  ...BASE,
  name: 'reopen',
  asks: 'Is a sale that was paused reopened in tranches without a unit too many or too few?',
  reports: 'reopened after a pause with 100, 200 and 200 units, by hand',
  stock: 100,
  arrivals: [joins(50, 400, to(50, 40))],
  followShare: 1,
  operator: [
    { atSecond: 5, do: 'pause' },
    { atSecond: 10, do: 'resume' },
    { atSecond: 15, do: 'add', units: 200 },
    { atSecond: 25, do: 'add', units: 200 },
  ],
  answers: { ...SOLD_OUT, join: [...SOLD_OUT.join, 503] },
  bars: { ...BASE.bars, unsold: 0 },
};

const soak: Shape = {
  ...BASE,
  name: 'soak',
  asks: 'Does the service answer after eight minutes of steady sale as in the first?',
  stock: 100_000,
  arrivals: [joins(200, 300, to(200, 480))],
};

const soldOut: Shape = {
  ...BASE,
  name: 'sold-out',
  asks: 'Is the stock sold exactly, and are the others refused as fast as buyers are admitted?',
  stock: 2_000,
  arrivals: [joins(100, 500, to(1_000, 5), to(1_000, 20))],
  followShare: 0.1,
  answers: SOLD_OUT,
  bars: { ...BASE.bars, unsold: 0 },
};

const pollStorm: Shape = {
  ...BASE,
  name: 'poll-storm',
  asks: 'Are joins as fast while buyers reload their tickets far more often than they should?',
  stock: 10_000,
  joinedBefore: 1_000,
  arrivals: [
    joins(100, 200, to(100, 30)),
    { act: 'poll', fromPerSecond: 2_000, stages: [to(2_000, 30)], inFlightMax: 500 },
  ],
  answers: { ...ALL_ADMITTED, poll: [200, 429] },
  bars: { ...BASE.bars, pollP95Ms: 300 },
};

const browserCrowd: Shape = {
  ...BASE,
  name: 'browser-crowd',
  asks: 'Do buyers who wait in long-polls and event streams read about their tickets at once?',
  stock: 10_000,
  arrivals: [joins(50, 500, to(300, 20), to(300, 10), to(0, 2))],
  followShare: 1,
  followBy: 'browser',
  bars: { ...BASE.bars, heardP99Ms: 2_000 },
};

export const SHAPES: readonly Shape[] = [
  smoke,
  stress,
  peak,
  steps,
  spike,
  allApis,
  reopen,
  soak,
  soldOut,
  pollStorm,
  browserCrowd,
];

/** The shape of that name; undefined when there is none. */
export const shapeOf = (name: string): Shape | undefined => SHAPES.find((shape) => shape.name === name);

/** What a weekly run goes through, in this order. */
export const WEEKLY = ['smoke', 'steps', 'spike'] as const;
