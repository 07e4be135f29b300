// Time that only the model moves: the timers and clocks of whatever runs inside of a simulated process are the model's,
// those of everybody else stay real. Installed for the length of one run.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Chance } from '../faults/chance.ts';

/** A simulated process. What it starts belongs to it, through every await. */
export interface Actor {
  name: string;
  /** A crashed one has no further effect, whatever its code still wants. */
  alive: boolean;
  /** Ms on the model's clock until which it stands still. */
  asleepUntil: number;
  /** How far its wall clock is off. */
  clockOffsetMs: number;
}

interface Context {
  actor: Actor;
  /** What of the actor runs: a duty, a request. */
  task: string;
}

export interface Timer {
  dueAt: number;
  order: number;
  context: Context;
  fire: () => void;
}

export const running = new AsyncLocalStorage<Context>();

/** Where the model's wall clock begins: 2027-01-15, whatever today is. */
export const WALL_START_MS = 1_800_000_000_000;

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  now: Date.now,
  performanceNow: performance.now.bind(performance),
  random: Math.random,
};

const IGNORED = { unref: () => undefined };

export class Time {
  /** Ms since the run began. */
  now = 0;
  readonly timers = new Set<Timer>();
  private orderCount = 0;
  private dropsIntervals = false;
  private readonly chance: Chance;

  constructor(chance: Chance) {
    this.chance = chance;
  }

  /** From now on `setTimeout`, `Date.now` and the like mean this clock for code of an actor. */
  install(): void {
    const start = (repeats: boolean) =>
      ((work: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
        const context = running.getStore();
        if (repeats && this.dropsIntervals) return IGNORED;
        if (context !== undefined) return this.schedule(context, repeats, ms, () => work(...args));
        return (repeats ? real.setInterval : real.setTimeout)(work, ms, ...args);
      }) as never;
    const stop = (timer: unknown) => {
      if (this.timers.delete(timer as Timer)) return;
      real.clearTimeout(timer as NodeJS.Timeout);
    };
    globalThis.setTimeout = start(false);
    globalThis.setInterval = start(true);
    globalThis.clearTimeout = stop as never;
    globalThis.clearInterval = stop as never;
    Date.now = () => {
      const context = running.getStore();
      return context === undefined ? real.now() : this.wall(context.actor);
    };
    performance.now = () => (running.getStore() === undefined ? real.performanceNow() : this.now);
    Math.random = () => (running.getStore() === undefined ? real.random() : this.chance());
  }

  /** Does `work` without the intervals that it starts: a front looks ten times a second how busy its own process is. */
  withoutIntervals<T>(work: () => T): T {
    this.dropsIntervals = true;
    try {
      return work();
    } finally {
      this.dropsIntervals = false;
    }
  }

  uninstall(): void {
    Object.assign(globalThis, {
      setTimeout: real.setTimeout,
      clearTimeout: real.clearTimeout,
      setInterval: real.setInterval,
      clearInterval: real.clearInterval,
    });
    Date.now = real.now;
    performance.now = real.performanceNow;
    Math.random = real.random;
  }

  /** Epoch ms by the clock of an actor, or by a clock that is right. */
  wall(actor?: Actor): number {
    return WALL_START_MS + Math.floor(this.now) + (actor?.clockOffsetMs ?? 0);
  }

  /** The timer of an awake actor that is due first. */
  next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers) {
      if (!timer.context.actor.alive) this.timers.delete(timer);
      else if (first === undefined || this.isBefore(timer, first)) first = timer;
    }
    return first;
  }

  /** When it can fire: an actor that stands still hears its clock late. */
  firesAt({ dueAt, context }: Timer): number {
    return Math.max(dueAt, context.actor.asleepUntil);
  }

  private isBefore(one: Timer, other: Timer): boolean {
    return (
      this.firesAt(one) - this.firesAt(other) < 0 ||
      (this.firesAt(one) === this.firesAt(other) && one.order < other.order)
    );
  }

  private schedule(context: Context, repeats: boolean, ms: number, work: () => void): Timer {
    const span = Math.max(1, Math.ceil(Number(ms) || 0));
    const timer = {
      dueAt: this.now + span,
      order: this.orderCount++,
      context,
      fire: () => {
        this.timers.delete(timer);
        if (repeats) {
          timer.dueAt = this.now + span;
          timer.order = this.orderCount++;
          this.timers.add(timer);
        }
        running.run(context, work);
      },
      // What callers of Node's timers may ask of one.
      unref: () => timer,
      ref: () => timer,
      hasRef: () => false,
    };
    this.timers.add(timer);
    return timer;
  }
}
