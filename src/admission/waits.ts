// Clients that wait for a change of their ticket, in a long-poll or an event stream: one look over all of them after each
// reading of the gates, in place of a timer, a signal and a listener for each.
import { spanClock } from '../domain/clock.ts';
import { aheadOf } from '../domain/gate-view.ts';
import { limits } from '../process/limits.ts';
import { createTurns } from '../process/turns.ts';
import type { CampaignMemory } from './campaign-memory.ts';
import type { Campaigns } from './campaigns.ts';
import { type HeldTicket, standingOf } from './held-tickets.ts';
import { endsWait, type TicketBody } from './ticket-body.ts';
import type { Tickets } from './tickets.ts';
import {
  createLines,
  isWaitingBy,
  type Lines,
  NOWHERE,
  takeLines,
  type WaitingPlace,
  waitingPlace,
} from './waiting-lines.ts';

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

/** One client that waits. Flat, and always of one shape: a look goes through all of them ten times a second. */
export interface Wait extends Waiter {
  isOver: boolean;
  /** Called once when it is over. */
  onEnd: (() => void) | undefined;
  /** Ends its parking; undefined while it is not parked. The rest is of the time that it is. */
  wake: (() => void) | undefined;
  seen: TicketBody | undefined;
  /** By the span clock, when its connection is next asked whether it is there. */
  goneFrom: number;
  /** By the span clock: when it ends without a change, when another place is a change, and when the gate may be asked. */
  endsAt: number;
  placeFrom: number;
  askFrom: number;
  standing: WaitingPlace;
  /** Whether memory says that it waits as before, and of which version of the lines that and its place are known. */
  isAsSeen: boolean;
  checkedVersion: number;
  placeVersion: number;
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
  const groups = new Map<string, Group>();
  const counts: Record<WaitKind, number> = { 'long-poll': 0, stream: 0 };
  const ofTicket = createTally();
  const ofIdentity = createTally();
  const inTurn = createTurns(limits.waitQuestionsMax);
  let lookedAt = 0;
  let stopLooking: (() => void) | undefined;

  function look(moved: readonly string[] = []): void {
    const now = spanClock();
    lookedAt = now;
    for (const id of moved) {
      const group = groups.get(id);
      if (group !== undefined) group.restsUntil = 0;
    }
    const turn = { now, placesLeft: limits.placesToldMax };
    for (const group of groups.values()) if (now >= group.restsUntil) group.restsUntil = lookAt(group, turn);
  }

  /** Returns until when nothing is to be done here, unless the gate changes or somebody else waits. */
  function lookAt({ campaign, waits, lines }: Group, turn: Turn): number {
    const { now } = turn;
    const memory = campaigns.watch(campaign);
    const before = lines.version;
    takeLines(lines, memory);
    let restsUntil = lines.version === before ? now + limits.waitsRestMs : 0;
    for (const wait of waits) {
      if (now >= wait.goneFrom) {
        wait.goneFrom = now + limits.waitGoneMs;
        if (wait.isGone()) end(wait);
      }
      if (wait.wake === undefined) continue;
      if (wait.checkedVersion !== lines.version) check(wait, lines, memory);
      if (now >= wait.endsAt || (!wait.isAsSeen && now >= wait.askFrom)) wait.wake();
      else if (wait.isAsSeen && now >= wait.placeFrom && wait.placeVersion !== lines.version && turn.placesLeft > 0) {
        wait.placeVersion = lines.version;
        if (placeIn(wait, memory!) !== wait.seen!.ahead) {
          turn.placesLeft -= 1;
          wait.wake();
        }
      }
      restsUntil = Math.min(restsUntil, nextOf(wait, lines));
    }
    return restsUntil;
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
    const waits = groups.get(campaign)?.waits;
    if (waits?.delete(wait)) {
      counts[wait.kind] -= 1;
      ofTicket.take(wait.held.text);
      if (wait.user !== undefined) ofIdentity.take(wait.user);
    }
    if (waits?.size === 0) groups.delete(campaign);
    if (groups.size === 0) {
      stopLooking?.();
      stopLooking = undefined;
    }
    wait.wake?.();
    wait.onEnd?.();
  }

  leaving.addEventListener('abort', () => {
    for (const { waits } of [...groups.values()]) for (const wait of waits) end(wait);
  });

  function parked(wait: Wait, times: Pick<Wait, 'seen' | 'endsAt' | 'placeFrom' | 'askFrom'>): Promise<void> {
    const { held } = wait;
    const { campaign } = held.ticket;
    wait.standing = waitingPlace(held, campaigns.peek(campaign)?.view);
    const group = groups.get(campaign);
    if (group !== undefined) group.restsUntil = 0;
    wait.checkedVersion = UNCHECKED;
    wait.placeVersion = UNCHECKED;
    Object.assign(wait, times);
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
    // Behind all others: places are told in turn.
    const waits = groups.get(held.ticket.campaign)?.waits;
    if (waits?.delete(wait)) waits.add(wait);
    const ask = async () => tickets.peek(held) ?? (await inTurn(() => tickets.status(held, user))) ?? seen;
    if (endsWait(seen.status) || wait.isOver) return seen;
    for (let askFrom = startedAt; ; askFrom = spanClock() + limits.waitAskMs) {
      await parked(wait, { seen, endsAt, placeFrom, askFrom });
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
      const group = groups.get(campaign) ?? { campaign, waits: new Set(), lines: createLines(), restsUntil: 0 };
      group.waits.add(wait);
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

/** The clients that wait for tickets of one campaign. */
interface Group {
  campaign: string;
  waits: Set<Wait>;
  lines: Lines;
  /** By the span clock, until when it need not be looked at. */
  restsUntil: number;
}

/** Of one look: how many more places may be told in it. */
interface Turn {
  now: number;
  placesLeft: number;
}

/** When something is next to be done about a wait whose gate does not change. */
function nextOf(wait: Wait, { version }: Lines): number {
  const { endsAt, askFrom, placeFrom } = wait;
  if (!wait.isAsSeen) return Math.min(endsAt, askFrom);
  return wait.placeVersion === version ? endsAt : Math.min(endsAt, placeFrom);
}

const UNCHECKED = -1;

const waitOf = ({ kind, held, user, isGone }: Waiter, isOver: boolean): Wait => ({
  kind,
  held,
  user,
  isGone,
  isOver,
  onEnd: undefined,
  wake: undefined,
  seen: undefined,
  goneFrom: spanClock() + limits.waitGoneMs,
  endsAt: 0,
  placeFrom: 0,
  askFrom: 0,
  standing: NOWHERE,
  isAsSeen: false,
  checkedVersion: UNCHECKED,
  placeVersion: UNCHECKED,
});

/** Whether memory says that it waits as before: then there is nothing to ask. */
function check(wait: Wait, lines: Lines, memory: CampaignMemory | undefined): void {
  wait.checkedVersion = lines.version;
  wait.isAsSeen = wait.seen?.status === 'queued' && memory !== undefined && isWaitingBy(lines, wait, memory);
}

const placeIn = ({ held }: Wait, { view }: CampaignMemory): number => aheadOf(view, standingOf(held, view)!);

/** Counts by name; a name that counts nothing takes no room. */
function createTally() {
  const counts = new Map<string, number>();
  const count = (name: string) => counts.get(name) ?? 0;
  return {
    count,
    add: (name: string) => void counts.set(name, count(name) + 1),
    take(name: string) {
      if (count(name) > 1) counts.set(name, count(name) - 1);
      else counts.delete(name);
    },
  };
}
