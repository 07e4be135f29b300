// One simulated service with its clients, and everything that can happen to it, each by its name: a run is a list of them.
import { hashTagOfCampaign, keyOfCampaign } from '../faults/checker/names.ts';
import { CAMPAIGN, Clients, OPERATOR_VERBS, type OperatorVerb, type Question } from './clients.ts';
import type { Contents, MemoryLedger } from './memory-ledger.ts';
import type { Plan } from './plan.ts';
import { type Front, OPERATOR_TOKEN, type Stores, startFront, startWorker } from './processes.ts';
import type { RedisStore, Snapshot } from './redis-store.ts';
import { type KeptJobs, RetryQueue } from './retry-queue.ts';
import type { Actor } from './time.ts';
import { type Effect, World } from './world.ts';

/** How long something has to be idle before another process takes it over: a claim, and what is half done. */
const IDLE = { claim: 3_000, halfDone: 1_000 };
/** As in `limits.ts`: longer than the worst batch. */
const SLOW_IDLE = { claim: 30_000, halfDone: 5_000 };
/**
 * An effect of a slow run. All processes take turns here, so that each waits for some twenty effects of others: 4 s, half a
 * lease. With so long a wait that a renewal comes after the lease has ended, no rebuild ends, here or anywhere.
 */
const SLOW_EFFECT_MS = 200;

/** Effects and timers of one task, until its scenario gives it up. */
const DRIVE_MAX = 120;

export class Service {
  readonly world: World;
  readonly clients: Clients;
  readonly stores: Stores;
  readonly plan: Plan;
  readonly users: string[];
  /** What happened, in order. */
  readonly trace: string[] = [];
  readonly errors: string[] = [];
  readonly fronts = new Map<string, Front>();
  private readonly workers = new Map<string, Actor>();
  private savedRedis: { snapshot: Snapshot; jobs: KeptJobs } | undefined;
  private savedLedger: Contents | undefined;

  constructor(plan: Plan, redis: RedisStore, ledger: MemoryLedger) {
    this.plan = plan;
    this.world = new World(plan.seed);
    this.world.effectMs = plan.isSlow ? SLOW_EFFECT_MS : 1;
    this.clients = new Clients(this.world);
    this.users = Array.from({ length: plan.users }, (_, index) => `u${index + 1}`);
    const onError = (actor: string, error: unknown) =>
      this.errors.push(`${this.world.stepCount} ${actor}: ${(error as Error).message}`);
    const retries = new RetryQueue(this.world);
    this.stores = { world: this.world, redis, ledger, retries, idleMs: plan.isSlow ? SLOW_IDLE : IDLE, onError };
  }

  /** Empty stores, an open campaign, every process started. */
  async open(): Promise<void> {
    const { redis, ledger } = this.stores;
    ledger.restore(undefined);
    ledger.nowMs = () => this.world.time.wall();
    await redis.begin(this.world);
    const front = await startFront(this.stores, 'f1');
    this.fronts.set('f1', front);
    this.world.letsGoAtOnce = true;
    await this.world.run(front.actor, 'operator create', async () => {
      const { stock, shards } = this.plan;
      const response = await front.admin.request('/admin/campaigns', {
        method: 'POST',
        headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ id: CAMPAIGN, stock, shards }),
      });
      if (response.status !== 201) throw new Error(`the campaign was not made: ${await response.text()}`);
    });
    this.world.letsGoAtOnce = false;
    for (const name of this.plan.processes) if (!this.world.actors.has(name)) await this.start(name);
    await this.world.settle();
  }

  /** Effects that may be let go now. */
  ready(): Effect[] {
    return [...this.world.effects].filter((effect) => this.world.isAwake(effect.actor) && !effect.isBlocked());
  }

  /** Does what `event` names; false when it is not possible now, which changes nothing. */
  async happen(event: string): Promise<boolean> {
    const [verb = '', ...rest] = event.split(' ');
    this.world.stepCount += 1;
    const did = await this.perform(verb, rest);
    if (did) this.trace.push(event);
    return did;
  }

  private async perform(verb: string, rest: string[]): Promise<boolean> {
    const [first = '', second = '', third = ''] = rest;
    switch (verb) {
      case 'go':
      case 'lose':
      case 'refuse':
        return this.letGo(rest.join(' '), verb);
      case 'drive':
        return this.drive(rest.join(' '));
      case 'tick':
        await this.world.tick();
        return true;
      case 'leap':
        this.world.time.now += Number(first);
        return true;
      case 'ask':
        return this.ask(first, second as Question, third);
      case 'operator':
        return this.operate(first as OperatorVerb, second);
      case 'start':
        return this.start(first);
      case 'crash':
        return this.withActor(first, (actor) => this.world.crash(actor));
      case 'sleep':
        return this.withActor(first, (actor) => {
          actor.asleepUntil = this.world.time.now + Number(second);
        });
      case 'wake':
        return this.withActor(first, (actor) => {
          actor.asleepUntil = 0;
        });
      case 'clock':
        if (first === 'redis') this.stores.redis.clockOffsetMs += Number(second);
        else {
          return this.withActor(first, (actor) => {
            actor.clockOffsetMs += Number(second);
          });
        }
        return true;
      case 'sour':
        this.stores.ledger.refusedUsers.add(first);
        return true;
      case 'sweeten':
        this.stores.ledger.refusedUsers.clear();
        return true;
      case 'foreign':
        await this.stores.redis.raw.xadd(
          keyOfCampaign(CAMPAIGN, `work:${Number(first) % this.plan.shards}`),
          '*',
          'x',
          'y',
        );
        return true;
      case 'redis':
        return this.hurtRedis(first);
      case 'ledger':
        return this.hurtLedger(first);
      default:
        throw new Error(`nothing of this name can happen: ${verb}`);
    }
  }

  private async letGo(label: string, verb: 'go' | 'lose' | 'refuse'): Promise<boolean> {
    const effect = this.ready().find((one) => one.label === label);
    if (effect === undefined) return false;
    await this.world.letGo(effect, ({ go: 'done', lose: 'lost', refuse: 'refused' } as const)[verb]);
    return true;
  }

  /**
   * `w1 issuer until insert issuances`: lets go what this task does, one after the other, with its timers, until it wants to do
   * that; with `past` until it has done it; without either to its end. For scenarios that outlive a change of what a task does on its way.
   */
  private async drive(text: string): Promise<boolean> {
    const [task = '', goal] = text.split(/ (?:until|past) /);
    const isPast = text.includes(' past ');
    for (let count = 0; count < DRIVE_MAX; count += 1) {
      const effect = this.ready().find(({ label }) => label.startsWith(`${task}: `));
      if (effect !== undefined) {
        const isGoal = goal !== undefined && effect.label.includes(goal);
        if (isGoal && !isPast) return true;
        await this.world.letGo(effect);
        if (isGoal) return true;
      } else if (!(await this.world.tickOf(task))) break;
    }
    return goal === undefined;
  }

  private async ask(user: string, question: Question, name: string): Promise<boolean> {
    const front = this.fronts.get(name);
    if (front === undefined || !this.world.isAwake(front.actor) || this.clients.isAsking(user)) return false;
    if (question !== 'join' && !this.clients.tickets.has(user)) return false;
    this.clients.ask(user, question, front);
    await this.world.settle();
    return true;
  }

  private async operate(verb: OperatorVerb, name: string): Promise<boolean> {
    const front = this.fronts.get(name);
    if (front === undefined || !this.world.isAwake(front.actor) || !OPERATOR_VERBS.includes(verb)) return false;
    this.clients.operate(verb, front);
    await this.world.settle();
    return true;
  }

  /** Starts a process of the plan that does not live. */
  async start(name: string): Promise<boolean> {
    if (this.world.actors.get(name)?.alive === true) return false;
    if (name.startsWith('f')) this.fronts.set(name, await startFront(this.stores, name));
    else this.workers.set(name, startWorker(this.stores, name));
    await this.world.settle();
    return true;
  }

  private async withActor(name: string, work: (actor: Actor) => void): Promise<boolean> {
    const actor = this.world.actors.get(name);
    if (actor?.alive !== true) return false;
    work(actor);
    await this.world.settle();
    return true;
  }

  private async hurtRedis(how: string): Promise<boolean> {
    const { redis, retries } = this.stores;
    if (how === 'save') this.savedRedis = { snapshot: await redis.snapshot(), jobs: retries.snapshot() };
    else if (how === 'restart') redis.restart();
    else if (how === 'unlist') await redis.raw.del(`sluice:{${hashTagOfCampaign(CAMPAIGN)}}:turns`);
    else if (how === 'flush') {
      await redis.forgetAll();
      retries.putBack([]);
    } else {
      if (this.savedRedis === undefined) return false;
      await redis.putBack(this.savedRedis.snapshot);
      retries.putBack(this.savedRedis.jobs);
      redis.restart();
    }
    await this.world.settle();
    return true;
  }

  private async hurtLedger(how: string): Promise<boolean> {
    const { ledger } = this.stores;
    if (ledger.isHeld()) return false;
    if (how === 'save') this.savedLedger = ledger.contents();
    else if (this.savedLedger === undefined) return false;
    else ledger.restore(this.savedLedger);
    return true;
  }
}
