// What operators do with dead letters: look, redrive, discard. At a bounded rate, so that what is redriven does not meet
// the fault that made it as a flood.
import type { Cancellation } from '../domain/cancellation.ts';
import type { LetterState, StoredDeadLetter } from '../domain/dead-letter.ts';
import { isFault } from '../domain/fault.ts';
import type { Ticket } from '../domain/ticket.ts';
import type { Returns } from '../gate/port.ts';
import { type CancellationStore, finishReturn } from '../giving-back/give-back.ts';
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import { driveLetter, type RedriveDeps, type RedriveStore } from './redrive.ts';

/** What the desk needs of the ledger. */
export interface LetterStore extends RedriveStore {
  list(page: { campaign?: string; state?: LetterState; after: number; limit: number }): Promise<StoredDeadLetter[]>;
  countByReason(of: { campaign?: string; state?: LetterState }): Promise<ReasonCount[]>;
  find(id: number): Promise<StoredDeadLetter | undefined>;
  choose(choice: LedgerChoice, page: { after: number; limit: number }): Promise<StoredDeadLetter[]>;
  countChosen(choice: LedgerChoice): Promise<number>;
  claimRedrive(id: number, actor: string): Promise<StoredDeadLetter | undefined>;
  discard(id: number, actor: string): Promise<Discarded>;
}

export interface ReasonCount {
  reason: string;
  state: LetterState;
  count: number;
}

interface LedgerChoice {
  campaign: string;
  ids?: readonly number[] | undefined;
  names?: readonly { epoch: number; seq: number }[] | undefined;
  reason?: string | undefined;
}

type Discarded = { kind: 'discarded'; cancellation: Cancellation } | { kind: 'issued' } | { kind: 'gone' };

export interface LetterDeskDeps extends RedriveDeps {
  store: LetterStore;
  cancellations: Pick<CancellationStore, 'markReturned'>;
  returns: Pick<Returns, 'redrive' | 'giveBack'>;
  /** The ticket behind a text; undefined when it is forged. */
  readTicket: (text: string) => Ticket | undefined;
  onError: (error: unknown) => void;
}

/** Which kept letters are meant: all of a campaign, or those of a reason, or those named. */
export interface Choice {
  campaign: string;
  /** Ids of dead letters, or signed tickets. */
  tickets?: readonly string[] | undefined;
  reason?: string | undefined;
  limit?: number | undefined;
  dryRun?: boolean | undefined;
}

export interface LetterWork {
  campaign: string;
  dryRun: boolean;
  /** Kept letters that were meant when it began. */
  matching: number;
  /** How many were redriven or discarded; in a dry run, how many would be tried. */
  done: number;
  /** How many of those meant are still kept. */
  left: number;
  /** Those that were tried and are kept, or that the choice named in vain. */
  skipped: { id: number | null; why: string }[];
}

export type LetterDesk = ReturnType<typeof createLetterDesk>;

/** Every method throws a Fault: `not-found`, `invalid`, or a retryable one. */
export function createLetterDesk(deps: LetterDeskDeps) {
  const { store } = deps;
  let nextAt = 0;

  /** Waits for this front's turn; shared by all calls, so that two operators are no faster than one. */
  async function takeTurn(): Promise<void> {
    const now = performance.now();
    nextAt = Math.max(now, nextAt) + 1_000 / limits.lettersPerSecond;
    await pause(nextAt - now);
  }

  async function work(choice: Choice, one: (letter: StoredDeadLetter) => Promise<string>): Promise<LetterWork> {
    const { campaign, dryRun = false } = choice;
    const { meant, unreadable } = meantBy(choice);
    const matching = await store.countChosen(meant);
    const limit = Math.min(choice.limit ?? limits.lettersPerCallMax, limits.lettersPerCallMax);
    const skipped = unreadable.map(() => ({ id: null as number | null, why: 'no-such-ticket' }));
    if (dryRun) return { campaign, dryRun, matching, done: Math.min(matching, limit), left: matching, skipped };
    const giveUpAt = performance.now() + limits.lettersCallMs;
    let done = 0;
    for (const letter of await store.choose(meant, { after: 0, limit })) {
      await takeTurn();
      if (performance.now() > giveUpAt) break;
      const end = await one(letter);
      if (end === 'done') done += 1;
      else skipped.push({ id: letter.id, why: end });
    }
    return { campaign, dryRun, matching, done, left: await store.countChosen(meant), skipped };
  }

  function meantBy({ campaign, tickets, reason }: Choice): { meant: LedgerChoice; unreadable: string[] } {
    if (tickets === undefined) return { meant: { campaign, reason }, unreadable: [] };
    const ids: number[] = [];
    const names: { epoch: number; seq: number }[] = [];
    const unreadable: string[] = [];
    for (const text of tickets) {
      if (/^\d{1,15}$/.test(text)) ids.push(Number(text));
      else {
        const ticket = deps.readTicket(text);
        if (ticket?.campaign === campaign) names.push({ epoch: ticket.epoch, seq: ticket.seq });
        else unreadable.push(text);
      }
    }
    return { meant: { campaign, reason, ids, names }, unreadable };
  }

  async function discardOne(letter: StoredDeadLetter, actor: string): Promise<string> {
    const discarded = await store.discard(letter.id, actor);
    if (discarded.kind === 'gone') return 'not-kept-any-more';
    if (discarded.kind === 'issued') return 'issued-meanwhile';
    // It stands in the ledger whether or not Redis takes it now: the finisher goes on from there.
    await showDiscarded(discarded.cancellation).catch(deps.onError);
    return 'done';
  }

  async function showDiscarded(cancellation: Cancellation): Promise<void> {
    const [view] = await deps.readGates([cancellation.campaign]);
    if (view !== undefined) await finishReturn({ ...deps, store: deps.cancellations }, view, cancellation);
  }

  return {
    list: (page: Parameters<LetterStore['list']>[0]) => store.list(page),
    countByReason: (of: Parameters<LetterStore['countByReason']>[0]) => store.countByReason(of),
    find: (id: number) => store.find(id),
    async redrive(choice: Choice, actor: string): Promise<LetterWork> {
      // While Redis is away nothing is claimed: a claim that cannot go on only hides the letter.
      await deps.readGates([choice.campaign]);
      return work(choice, async (letter) => {
        const claimed = await store.claimRedrive(letter.id, actor);
        if (claimed === undefined) return 'not-kept-any-more';
        const end = await driveLetter(deps, claimed).catch((error: unknown) => {
          if (!isFault(error) || !error.retryable) throw error;
          deps.onError(error);
          return 'unfinished' as const;
        });
        return end === 'redriven' ? 'done' : end;
      });
    },
    discard: (choice: Choice, actor: string): Promise<LetterWork> =>
      work(choice, (letter) => discardOne(letter, actor)),
  };
}
