// The scripts do to a ticket what the table of states says, in every state, and nothing else.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  eventRow,
  TICKET_EVENTS,
  TICKET_STATES,
  type TicketEvent,
  type TicketState,
} from '../../src/domain/ticket-state.ts';
import { testRedis } from '../helpers/redis.ts';
import { openWalk } from './ticket-walk.ts';

/** The shortest way from one state to each that can be reached from it. */
function waysFrom(start: TicketState): Map<TicketState, TicketEvent[]> {
  const ways = new Map<TicketState, TicketEvent[]>([[start, []]]);
  // A map hands out what is added while it is walked.
  for (const [state, way] of ways) {
    for (const event of TICKET_EVENTS) {
      const next = eventRow(event).next[state];
      if (next !== undefined && !ways.has(next)) ways.set(next, [...way, event]);
    }
  }
  return ways;
}

test('every state of the table can be reached, and each that is not over can be left', () => {
  expect([...waysFrom('lost').keys()].toSorted()).toEqual(TICKET_STATES.toSorted());
  const stuck = TICKET_STATES.filter((state) => TICKET_EVENTS.every((event) => !eventRow(event).next[state]));
  expect(stuck).toEqual(['cancelled']);
});

for (const start of ['lost', 'failed'] as const) {
  const kind = start === 'lost' ? 'a new ticket' : 'a ticket that was settled before its gate was rebuilt';
  test(`the gate takes ${kind} from each state to the next as the table says, for every event`, async (t) => {
    const redis = testRedis(t);
    for (const [state, way] of waysFrom(start)) {
      const walk = await openWalk(redis);
      for (const event of TICKET_EVENTS) {
        if (start === 'failed') await walk.restore(event);
        for (const before of way) await walk.step(event, before);
        expect(walk.stateOf(event)).toBe(state);
        await walk.check();
        await walk.step(event, event);
        await walk.check();
      }
    }
  });
}

test('over random events to several tickets the gate and the table never differ', async (t) => {
  const redis = testRedis(t);
  const name = fc.constantFrom('ann', 'bob', 'cem', 'dee', 'restored');
  // Three of four events change something where they happen: otherwise most tickets would never get far.
  const lively = fc.oneof({ weight: 3, arbitrary: fc.nat(1_000) }, { weight: 1, arbitrary: fc.constant(undefined) });
  const step = fc.tuple(name, fc.constantFrom(...TICKET_EVENTS), lively);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const walk = await openWalk(redis);
      await walk.restore('restored');
      for (const [user, event, choice] of steps) {
        const changing = TICKET_EVENTS.filter((one) => eventRow(one).next[walk.stateOf(user)]);
        await walk.step(user, choice === undefined ? event : (changing[choice % changing.length] ?? event));
        await walk.check();
      }
    }),
    { numRuns: 60 },
  );
});
