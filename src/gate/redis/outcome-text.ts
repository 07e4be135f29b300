// How the gate's scripts and its hash `exceptions` say what became of a ticket: `issued:7`, `retrying:`, `failed:reason`.
import { Fault } from '../../domain/fault.ts';
import {
  type CancelAnswer,
  type Exceptional,
  type ExceptionalState,
  type Outcome,
  type RedriveAnswer,
  STATES,
  TICKET_STATES,
} from '../../domain/ticket-state.ts';

/** Where Redis has another word than the table of states. These bytes stay as they are: gates of older versions hold them. */
const WORDS: Readonly<Record<string, string>> = { 'issued-as-promised': 'settled', 'issued-renumbered': 'issued' };

/** The word that Redis and the scripts have for a state or an answer. */
export const wordOf = (name: string): string => WORDS[name] ?? name;

const EXCEPTIONAL = new Map(
  TICKET_STATES.filter((state): state is ExceptionalState => STATES[state].kept === 'exception').map((state) => [
    wordOf(state),
    state,
  ]),
);

/** One line of text for one outcome, the form that Redis keeps. */
export function encodeOutcome(outcome: Exceptional): string {
  const carried = 'unit' in outcome ? outcome.unit : 'reason' in outcome ? outcome.reason : '';
  return `${wordOf(outcome.status)}:${carried}`;
}

/**
 * Reads what {@link encodeOutcome} wrote. Throws a `corrupt-state` Fault on anything else, because a guess would lie to a
 * buyer. What follows a word that carries nothing is left unread.
 */
export function decodeOutcome(text: string): Exceptional {
  const colon = text.indexOf(':');
  const status = EXCEPTIONAL.get(text.slice(0, Math.max(0, colon)));
  const rest = text.slice(colon + 1);
  switch (status && STATES[status].carries) {
    case 'unit':
      if (/^[1-9][0-9]*$/.test(rest)) return { status, unit: Number(rest) } as Exceptional;
      break;
    case 'reason':
      return { status, reason: rest } as Exceptional;
    case 'nothing':
      return { status } as Exceptional;
  }
  throw new Fault('corrupt-state', `unreadable outcome: ${text.slice(0, 40)}`);
}

/** What `lua/outcome.lua` says of a ticket. */
export function readOutcome(text: string): Outcome {
  const plain = PLAIN.get(text);
  return plain === undefined ? decodeOutcome(text) : { status: plain };
}

/** What `lua/cancel.lua` found or did. */
export const readCancelAnswer = (text: string): CancelAnswer => answerIn(CANCEL, text);

/** What `lua/redrive.lua` made of a ticket. */
export const readRedriveAnswer = (text: string): RedriveAnswer => answerIn(REDRIVE, text);

type Plain = Exclude<Outcome, Exceptional>['status'];

const PLAIN = byWord(
  TICKET_STATES.filter((state) => STATES[state].kept !== 'exception').map(
    (state) => STATES[state].answers.outcome as Plain,
  ),
);
const CANCEL = byWord(TICKET_STATES.map((state) => STATES[state].answers.cancel));
const REDRIVE = byWord(TICKET_STATES.map((state) => STATES[state].answers.redrive));

function byWord<Name extends string>(names: readonly Name[]): ReadonlyMap<string, Name> {
  return new Map(names.map((name) => [wordOf(name), name]));
}

function answerIn<Name>(answers: ReadonlyMap<string, Name>, text: string): Name {
  const answer = answers.get(text);
  if (answer === undefined) throw new Fault('corrupt-state', `unreadable answer of a script: ${text.slice(0, 40)}`);
  return answer;
}
