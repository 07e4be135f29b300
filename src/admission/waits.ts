// Clients that wait for a change of their ticket, in a long-poll or an event stream: one look over all of them after each
// reading of the gates, in place of a timer, a signal and a listener for each.
import { spanClock } from '../domain/clock.ts';
import { aheadOf } from '../domain/gate-view.ts';
import { createTally } from '../domain/tally.ts';
import { limits } from '../process/limits.ts';
import { createTurns } from '../process/turns.ts';
import type { CampaignMemory } from './campaign-memory.ts';
import type { Campaigns } from './campaigns.ts';
import { type HeldTicket, standingOf } from './held-tickets.ts';
import { createPlacesBudget, lookInTurn, type PlaceTurn } from './place-turns.ts';
import { endsWait, type TicketBody } from './ticket-body.ts';
import type { Tickets } from './tickets.ts';
import {
  addWait,
  createWaitingGroup,
  due,
  expect,
  type Grouped,
  nextDue,
  passed,
  removeWait,
  untold,
  type WaitingGroup,
} from './waiting-group.ts';
import { isWaitingBy, NOWHERE, takeLines, type WaitingPlace, waitingPlace } from './waiting-lines.ts';

export type WaitKind = 'long-poll' | 'stream';

/** What has as many open waits as it may have. */
export type WaitBound = 'ticket' | 'identity' | 'front';

export interface WaitsDeps {
  campaigns: Pick<Campaigns, 'peek' | 'watch' | 'onReading'>;
  tickets: Pick<Tickets, 'peek' | 'status'>;
  /** Aborts when nobody should wait here any more: all waits end, and clients ask another front. */
  leaving: AbortSignal;
}

export interface Waiter {
  kind: WaitKind;
  held: HeldTicket;
  user: string | undefined;
  /** Whether the connection is gone; asked now and then, because an adapter may miss the event of it. */
  isGone: () => boolean;
}

/** One client that waits. Flat, and always of one shape. */
export interface Wait extends Waiter, Grouped {
  isOver: boolean;
  /** Called once when it is over. */
  onEnd: (() => void) | undefined;
  /** Ends its parking; undefined while it is not parked. The rest is of the time that it is. */
  wake: (() => void) | undefined;
  seen: TicketBody | undefined;
  /** By the span clock, when its connection is next asked whether it is there. */
  goneFrom: number;
  /** By the span clock: when it ends without a change, and when the gate may be asked. */
  endsAt: number;
  askFrom: number;
  standing: WaitingPlace;
  /** Whether memory was compared since it was parked, and says that the ticket waits as its client knows. */
  isChecked: boolean;
  isAsSeen: boolean;
}

export interface Patience {
  /** A change of status is told at once, its absence after this long. */
  waitMs: number;
  /** Another place counts as a change from then on; never where it is not given. */
  placeAfterMs?: number;
}

export interface Waits {
  /** Counts a client that waits, until `end`; or says which bound is reached. While the front leaves it is over at once. */
  open(waiter: Waiter): Wait | WaitBound;
  /** Lets it go; its `untilChanged` resolves. May be called again. */
  end(wait: Wait): void;
  /**
   * Resolves to the ticket as it stands when something differs from `seen`, after `patience`, or when the wait is over.
   * Throws a Fault when the outcome is unknown.
   */
  untilChanged(wait: Wait, seen: TicketBody, patience: Patience): Promise<TicketBody>;
  count(kind: WaitKind): number;
}

export function createWaits({ campaigns, tickets, leaving }: WaitsDeps): Waits {
  const groups = new Map<string, WaitingGroup<Wait>>();
  const counts: Record<WaitKind, number> = { 'long-poll': 0, stream: 0 };
  const ofTicket = createTally();
  const ofIdentity = createTally();
  const inTurn = createTurns(limits.waitQuestionsMax);
  const placesBudget = createPlacesBudget();
  let lookedAt = 0;
  let stopLooking: (() => void) | undefined;

  function look(moved: readonly string[] = []): void {
    const now = spanClock();
    lookedAt = now;
    for (const id of moved) {
      const group = groups.get(id);
      if (group !== undefined) group.restsUntil = 0;
    }
    const turn: PlaceTurn = { now, placesLeft: placesBudget() };
    lookInTurn(groups, turn, (group) => {
      if (now >= group.restsUntil) lookAt(group, turn);
    });
  }

  function lookAt(group: WaitingGroup<Wait>, turn: PlaceTurn): void {
    const { now } = turn;
    const { lines } = group;
    const memory = campaigns.watch(group.campaign);
    const change = takeLines(lines, memory);
    if (change === 'other-gate') for (const wait of group.waits) check(wait, group, memory);
    else if (change !== 'none') for (const wait of passed(group, memory, change)) check(wait, group, memory);
    for (const wait of due(group, now)) attend(wait, group, { now, memory });
    if (memory !== undefined && turn.placesLeft > 0) tellPlaces(group, memory, turn);
    group.restsUntil = Math.min(now + limits.waitsRestMs, nextDue(group));
  }

  function attend(wait: Wait, group: WaitingGroup<Wait>, known: { now: number; memory: CampaignMemory | undefined }) {
    const { now } = known;
    if (now >= wait.goneFrom) {
      wait.goneFrom = now + limits.waitGoneMs;
      if (wait.isGone()) return end(wait);
    }
    if (wait.wake !== undefined && !wait.isChecked) check(wait, group, known.memory);
    if (wait.wake !== undefined && now >= Math.min(wait.endsAt, askAt(wait))) wait.wake();
    group.dueAt[wait.row] = dueAt(wait);
  }

  function startLooking(): () => void {
    const stop = campaigns.onReading(look);
    // Waits end also while the gates cannot be read.
    const timer = setInterval(() => {
      if (spanClock() - lookedAt >= 2 * limits.viewReadMs) look();
    }, limits.viewReadMs);
    return () => {
      stop();
      clearInterval(timer);
    };
  }

  function end(wait: Wait): void {
    if (wait.isOver) return;
    wait.isOver = true;
    const { campaign } = wait.held.ticket;
    const group = groups.get(campaign);
    if (group?.waits[wait.row] === wait) {
      removeWait(group, wait);
      counts[wait.kind] -= 1;
      ofTicket.take(wait.held.text);
      if (wait.user !== undefined) ofIdentity.take(wait.user);
      if (group.waits.length === 0) groups.delete(campaign);
    }
    if (groups.size === 0) {
      stopLooking?.();
      stopLooking = undefined;
    }
    wait.wake?.();
    wait.onEnd?.();
  }

  leaving.addEventListener('abort', () => {
    for (const { waits } of [...groups.values()]) for (const wait of [...waits]) end(wait);
  });

  function parked(wait: Wait, times: Pick<Wait, 'endsAt' | 'askFrom'> & { placeFrom: number }): Promise<void> {
    const { held } = wait;
    const { campaign } = held.ticket;
    wait.standing = waitingPlace(held, campaigns.peek(campaign)?.view);
    wait.endsAt = times.endsAt;
    wait.askFrom = times.askFrom;
    wait.isChecked = false;
    const group = groups.get(campaign);
    if (group !== undefined) expect(group, wait, { standing: wait.standing, placeFrom: times.placeFrom });
    return new Promise((resolve) => {
      wait.wake = () => {
        wait.wake = undefined;
        resolve();
      };
    });
  }

  async function untilChanged(wait: Wait, seen: TicketBody, patience: Patience): Promise<TicketBody> {
    const { held, user } = wait;
    const { waitMs, placeAfterMs = Number.POSITIVE_INFINITY } = patience;
    const startedAt = spanClock();
    const endsAt = startedAt + waitMs;
    const placeFrom = startedAt + placeAfterMs;
    const ask = async () => tickets.peek(held) ?? (await inTurn(() => tickets.status(held, user))) ?? seen;
    if (endsWait(seen.status) || wait.isOver) return seen;
    for (let askFrom = startedAt; ; askFrom = spanClock() + limits.waitAskMs) {
      wait.seen = seen;
      await parked(wait, { endsAt, placeFrom, askFrom });
      if (wait.isOver && wait.isGone()) return seen;
      const now = await ask();
      const isChanged = now.status !== seen.status || (now.ahead !== seen.ahead && spanClock() >= placeFrom);
      if (isChanged || wait.isOver || spanClock() >= endsAt) return now;
    }
  }

  return {
    open(waiter) {
      const wait = waitOf(waiter, leaving.aborted);
      if (wait.isOver) return wait;
      const { kind, held, user } = waiter;
      if (counts['long-poll'] + counts.stream >= limits.waitersMax) return 'front';
      if (ofTicket.count(held.text) >= limits.waitsPerTicketMax) return 'ticket';
      if (user !== undefined && ofIdentity.count(user) >= limits.waitsPerIdentityMax) return 'identity';
      const { campaign } = held.ticket;
      const group = groups.get(campaign) ?? createWaitingGroup<Wait>(campaign);
      addWait(group, wait, wait.goneFrom);
      groups.set(campaign, group);
      counts[kind] += 1;
      ofTicket.add(held.text);
      if (user !== undefined) ofIdentity.add(user);
      stopLooking ??= startLooking();
      return wait;
    },
    end,
    untilChanged,
    count: (kind) => counts[kind],
  };
}

function tellPlaces(group: WaitingGroup<Wait>, memory: CampaignMemory, turn: PlaceTurn): void {
  for (const wait of untold(group, turn.now)) {
    if (wait.wake === undefined || !wait.isAsSeen || placeIn(wait, memory) === wait.seen!.ahead) continue;
    wait.wake();
    turn.placesLeft -= 1;
    if (turn.placesLeft === 0) return;
  }
}

/** From when on the gate is asked about it: not while memory says that it waits as before. */
const askAt = ({ isAsSeen, askFrom }: Wait): number => (isAsSeen ? Number.POSITIVE_INFINITY : askFrom);

const dueAt = (wait: Wait): number =>
  wait.wake === undefined ? wait.goneFrom : Math.min(wait.goneFrom, wait.endsAt, askAt(wait));

const waitOf = ({ kind, held, user, isGone }: Waiter, isOver: boolean): Wait => ({
  kind,
  held,
  user,
  isGone,
  row: 0,
  isOver,
  onEnd: undefined,
  wake: undefined,
  seen: undefined,
  goneFrom: spanClock() + limits.waitGoneMs,
  endsAt: 0,
  askFrom: 0,
  standing: NOWHERE,
  isChecked: false,
  isAsSeen: false,
});

/** Whether memory says that it waits as before: then there is nothing to ask. */
function check(wait: Wait, group: WaitingGroup<Wait>, memory: CampaignMemory | undefined): void {
  wait.isChecked = true;
  wait.isAsSeen = wait.seen?.status === 'queued' && memory !== undefined && isWaitingBy(group.lines, wait, memory);
  group.dueAt[wait.row] = dueAt(wait);
  group.seqs[wait.row] = wait.standing.epoch === group.lines.epoch ? wait.standing.seq : NOWHERE.seq;
}

const placeIn = ({ held }: Wait, { view }: CampaignMemory): number => aheadOf(view, standingOf(held, view)!);
