// Dead letters and cancellations of one ledger as objects, for those who must not know the ledger.
import type { Cancellation, GivenBack } from '../domain/cancellation.ts';
import {
  cancellationOf,
  cancelTicket,
  discardLetter,
  isIssued,
  listUnreturned,
  markReturned,
  recordCancelled,
} from './cancellations.ts';
import {
  chooseLetters,
  countByReason,
  countChosen,
  findLetter,
  type LetterChoice,
  listLetters,
} from './letter-lists.ts';
import type { Ledger } from './pool.ts';
import { claimRedrive, endRedrive, findDueLetters, takeStuckRedrives } from './redrives.ts';

type Rest<F> = F extends (ledger: Ledger, ...rest: infer Args) => unknown ? Args : never;

/** The functions of letter-lists.ts and redrives.ts with their ledger given, and discarding. */
export const letterStore = (ledger: Ledger) => ({
  list: (...rest: Rest<typeof listLetters>) => listLetters(ledger, ...rest),
  countByReason: (...rest: Rest<typeof countByReason>) => countByReason(ledger, ...rest),
  find: (id: number) => findLetter(ledger, id),
  choose: (...rest: Rest<typeof chooseLetters>) => chooseLetters(ledger, ...rest),
  countChosen: (choice: LetterChoice) => countChosen(ledger, choice),
  claimRedrive: (id: number, actor: string) => claimRedrive(ledger, id, actor),
  endRedrive: (...rest: Rest<typeof endRedrive>) => endRedrive(ledger, ...rest),
  takeStuckRedrives: (idleMs: number) => takeStuckRedrives(ledger, idleMs),
  findDue: (...rest: Rest<typeof findDueLetters>) => findDueLetters(ledger, ...rest),
  discard: (id: number, actor: string) => discardLetter(ledger, id, actor),
  isIssued: (campaign: string, user: string) => isIssued(ledger, campaign, user),
});

/** The functions of cancellations.ts with their ledger given. */
export const cancellationStore = (ledger: Ledger) => ({
  cancel: (given: GivenBack) => cancelTicket(ledger, given),
  cancelRetried: (given: GivenBack) => cancelTicket(ledger, given, 'retried') as Promise<Cancellation | undefined>,
  recordWish: (given: GivenBack) => cancelTicket(ledger, given, 'wished'),
  recordCancelled: (given: GivenBack) => recordCancelled(ledger, given),
  of: (campaign: string, user: string) => cancellationOf(ledger, campaign, user),
  listUnreturned: (idleMs: number) => listUnreturned(ledger, idleMs),
  markReturned: (cancellation: Cancellation) => markReturned(ledger, cancellation),
});
