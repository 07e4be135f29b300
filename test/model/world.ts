// The scheduler's side of the model: effects that wait to be let go, one at a time. Between any two of them anything else
// may happen; an effect of an actor that has crashed is never let go.
import { chanceOf } from '../faults/chance.ts';
import { type Actor, running, Time, type Timer } from './time.ts';

/** How an effect ends: done and told; done and its answer lost; not done, because the store was out of reach. */
export type Fate = 'done' | 'lost' | 'refused';

export interface Effect {
  actor: Actor;
  /** `w1 issuer: insert issuances`: what a trace says, and by what a later run finds it again. */
  label: string;
  /** Steps for which the scheduler looks past it: a lock wait, a slow network. */
  heldUntil: number;
  /** True while it could not be done: what it needs is locked. */
  isBlocked: () => boolean;
  letGo: (fate: Fate) => Promise<void>;
}

export interface EffectKind<T> {
  what: string;
  effect: () => T | Promise<T>;
  /** The errors that its client throws when the answer is lost, and when the store is out of reach. */
  lost: () => Error;
  refused: () => Error;
  isBlocked?: () => boolean;
}

const settleTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const spawnActor = (name: string): Actor => ({ name, alive: true, asleepUntil: 0, clockOffsetMs: 0 });

export class World {
  readonly time: Time;
  readonly effects = new Set<Effect>();
  readonly actors = new Map<string, Actor>();
  /** Steps done so far. */
  stepCount = 0;
  /** Decides for how many steps a new effect is held; none unless the plan says otherwise. */
  holdFor: (label: string) => number = () => 0;
  /** What one effect takes, ms. */
  effectMs = 1;
  /** For whoever needs no scheduler: every effect is let go as it comes. */
  letsGoAtOnce = false;

  constructor(seed: string) {
    this.time = new Time(chanceOf(`time ${seed}`));
  }

  /** A process begins its life. One of the same name must have crashed before. */
  spawn(name: string): Actor {
    const actor = spawnActor(name);
    this.actors.set(name, actor);
    return actor;
  }

  crash(actor: Actor): void {
    actor.alive = false;
    for (const effect of this.effects) if (effect.actor === actor) this.effects.delete(effect);
    for (const timer of this.time.timers) if (timer.context.actor === actor) this.time.timers.delete(timer);
  }

  /** Runs `work` as `task` of the actor. */
  run<T>(actor: Actor, task: string, work: () => Promise<T>): Promise<T> {
    return running.run({ actor, task }, work);
  }

  runSync<T>(actor: Actor, task: string, work: () => T): T {
    return running.run({ actor, task }, work);
  }

  /** Waits until the scheduler lets this effect go. */
  step<T>(actor: Actor, { what, effect, lost, refused, isBlocked = () => false }: EffectKind<T>): Promise<T> {
    if (this.letsGoAtOnce) return Promise.resolve().then(effect);
    return new Promise<T>((resolve, reject) => {
      if (!actor.alive) return;
      const task = running.getStore()?.task ?? 'main';
      const label = `${actor.name} ${task}: ${what}`;
      const waiting: Effect = {
        actor,
        label,
        heldUntil: this.stepCount + this.holdFor(label),
        isBlocked,
        letGo: async (fate) => {
          this.effects.delete(waiting);
          if (fate === 'refused') return reject(refused());
          try {
            const result = await effect();
            if (fate === 'lost') reject(lost());
            else resolve(result);
          } catch (error) {
            reject(error);
          }
        },
      };
      this.effects.add(waiting);
    });
  }

  /** Resolves once every actor waits: for an effect, for a timer, or for another actor. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 3; turns += 1) await settleTurn();
  }

  /** Lets an effect go and follows it until all actors wait again. */
  async letGo(effect: Effect, fate: Fate = 'done'): Promise<void> {
    this.time.now += this.effectMs;
    await effect.letGo(fate);
    await this.settle();
  }

  /** Moves the clock to the next timer, or not at all where one is due, and fires it. */
  async tick(): Promise<void> {
    const timer = this.time.next();
    if (timer === undefined) return;
    this.time.now = Math.max(this.time.now, this.time.firesAt(timer));
    timer.fire();
    await this.settle();
  }

  /** The same for the next timer of one task, as `w1 issuer`; false when it has none. */
  async tickOf(task: string): Promise<boolean> {
    const isIts = ({ context }: Timer) => `${context.actor.name} ${context.task}` === task;
    const timer = [...this.time.timers].filter(isIts).toSorted((one, other) => one.dueAt - other.dueAt)[0];
    if (timer === undefined) return false;
    this.time.now = Math.max(this.time.now, timer.dueAt);
    timer.fire();
    await this.settle();
    return true;
  }

  isAwake = (actor: Actor): boolean => actor.alive && actor.asleepUntil <= this.time.now;
}
