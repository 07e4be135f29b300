// What else says the states of a ticket says what the table of src/domain/ticket-state.ts does.
import { expect, test } from 'vitest';
import { endsWait } from '../../src/admission/ticket-body.ts';
import {
  type ExceptionalState,
  eventRow,
  STATES,
  TICKET_EVENTS,
  TICKET_STATES,
  TICKET_STATUSES,
} from '../../src/domain/ticket-state.ts';
import { wordOf } from '../../src/gate/redis/outcome-text.ts';
import { createFront, type FrontDeps } from '../../src/http/public/front.ts';
import { isTerminal } from '../../src/rehearsal/log.ts';
import { ROOT } from '../helpers/root.ts';
import { read } from './sources.ts';
import { ticketStatesPage } from './ticket-states-page.ts';

const REMEDY = 'write it again: npx vitest run test/tidy/ticket-states.test.ts -u';

test(`docs/ticket-states.md is what the table says; after a change of the table, ${REMEDY}`, async () => {
  await expect(ticketStatesPage()).toMatchFileSnapshot(`${ROOT}docs/ticket-states.md`);
});

/** A script without its comments. */
const script = (name: string): string => read(`lua/${name}.lua`).replaceAll(/--.*$/gm, '');

const found = (text: string, pattern: RegExp): Set<string> =>
  new Set([...text.matchAll(pattern)].flatMap((match) => match.slice(1).filter((word) => word !== undefined)));

/** Words that a script spells out as its answer: `return 'x'`, `return {'x', …}`, `return {is and 'x' or 'y', …}`. */
const answersIn = (name: string): Set<string> =>
  found(script(name), /\breturn \{?(?:\w+ and )?'(\w+)'(?: or '(\w+)')?/g);

const EXCEPTIONS = TICKET_STATES.filter((state): state is ExceptionalState => STATES[state].kept === 'exception');

test.for(['outcome', 'cancel'] as const)('lua/%s.lua answers the words of the table, and no others', (name) => {
  // An exception is answered as it is kept.
  const told = TICKET_STATES.filter((state) => name === 'cancel' || STATES[state].kept !== 'exception');
  expect(answersIn(name)).toEqual(new Set(told.map((state) => wordOf(STATES[state].answers[name]))));
});

test('lua/redrive.lua answers words of the table', () => {
  const words = new Set(TICKET_STATES.map((state) => wordOf(STATES[state].answers.redrive)));
  const kept = new Set(EXCEPTIONS.filter((state) => state !== 'failed').map(wordOf));
  expect(answersIn('redrive').union(kept)).toEqual(words);
});

const SCRIPTS = new Set(TICKET_EVENTS.map((event) => eventRow(event).by.script).filter((name) => name !== null));

test.for([...SCRIPTS])('lua/%s.lua writes the exceptions that its events lead to, and no others', (name) => {
  const events = TICKET_EVENTS.filter((event) => eventRow(event).by.script === name);
  const leadsTo = new Set(events.flatMap((event) => Object.values(eventRow(event).next)));
  const written = found(script(name), /'HSET', exceptions, \w+, (?:'([^']*)'|(outcome))\)/g);
  // What becomes of an entry or of a retry is told to the script by the worker.
  if (name === 'settle' || name === 'resolve') expect(written).toEqual(new Set(['outcome']));
  else {
    const texts = EXCEPTIONS.filter((state) => leadsTo.has(state)).map((state) => `${wordOf(state)}:`);
    expect(written).toEqual(new Set(texts));
  }
});

test.for([...SCRIPTS, 'outcome'])('lua/%s.lua compares outcomes with words of the table alone', (name) => {
  const compared = found(
    script(name),
    /\b(?:exception|outcome|status) [=~]= '([^']+)'|\(exceptions?, '\^(\w+:?)|exceptions, \w+\) [=~]= '([^']+)'/g,
  );
  const known = new Set(EXCEPTIONS.flatMap((state) => [wordOf(state), `${wordOf(state)}:`]));
  expect(compared.difference(known)).toEqual(new Set());
});

test('the scripts that the checks above read spell outcomes out where the checks look', () => {
  // A check that no longer finds a word could not fail.
  expect(answersIn('cancel').size).toBeGreaterThan(5);
  expect(found(script('cancel'), /\bstatus == '(\w+)'/g).size).toBe(EXCEPTIONS.length);
  expect(found(script('give-back'), /\bexception == '(\w+:)'/g)).toEqual(
    new Set(['cancelled:', 'retrying:', 'cancelling:']),
  );
  expect(found(script('settle'), /\boutcome == '(\w+:)'/g)).toEqual(new Set(['cancelled:', 'retrying:']));
});

test('the OpenAPI document and the README list the statuses that a buyer may read', () => {
  const info = { openapi: '3.1.0', info: { title: '', version: '' } };
  const document = createFront({} as FrontDeps).getOpenAPI31Document(info);
  const { properties } = document.components!.schemas!.Ticket as { properties: { status: { enum: string[] } } };
  expect(properties.status.enum).toEqual(['queued', 'retrying', 'issued', 'failed', 'cancelled']);
  expect(TICKET_STATUSES).toEqual(properties.status.enum);
  const listed = `${TICKET_STATUSES.slice(0, -1).join(', ')} or ${TICKET_STATUSES.at(-1)!}`;
  expect(read('README.md')).toContain(`\`status\` is ${listed}`);
});

test('the rehearsal and the load generator, which share no code with the service, stop at the same statuses', () => {
  for (const status of TICKET_STATUSES) expect(isTerminal(status), status).toBe(endsWait(status));
  const [, listed] = /const isFinal = .*?\[(.*?)\]\.includes\(status\)/.exec(read('k6/lib/buyer.ts'))!;
  expect(listed).toBe(
    TICKET_STATUSES.filter(endsWait)
      .map((status) => `'${status}'`)
      .join(', '),
  );
});
