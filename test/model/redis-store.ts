// A real Redis for the model, and the way each process reaches it: every command is an effect that the scheduler lets go.
// Redis's clock and run id are the model's: scripts read them from a hash of its own.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { Redis } from 'ioredis';
import type { RedisClient } from '../../src/redis/connection.ts';
import { loadScript } from '../../src/redis/scripts.ts';
import { CAMPAIGN } from './clients.ts';
import { type Actor, running, WALL_START_MS } from './time.ts';
import type { World } from './world.ts';

const CLOCK = 'model:clock';
const LUA = new URL('../../lua/', import.meta.url);

/** All keys as DUMP gives them, and when the model lets them expire. */
export interface Snapshot {
  keys: [key: string, dump: Buffer][];
  expiries: Map<string, number>;
}

/** A command of a pipeline. */
interface Queued {
  name: string;
  args: string[];
}

/** Scripts that announce an arrival, or may. */
const ARRIVING = new Set(['admit', 'readmit', 'promote', 'rebuild-finish', 'check-turn']);
const DELIVERING = new Set(['xreadgroup', 'xautoclaim']);

type Command = (...args: unknown[]) => Promise<unknown>;

const ERRORS = {
  lost: () => new Error('Command timed out'),
  refused: () => new Error('Connection is closed.'),
};

export class RedisStore {
  readonly raw: Redis;
  private world!: World;
  /** What Redis's clock is off, ms. */
  clockOffsetMs = 0;
  /** Another one whenever the server was started anew. */
  private runId = 1;
  /** By the SHA-1 that the product knows: that of the script as it runs here. */
  private readonly scripts = new Map<string, { sha: string; name: string }>();
  private expiries = new Map<string, number>();
  /** When each pending entry was last delivered, on the model's clock. */
  private readonly deliveredAt = new Map<string, number>();
  /** Processes that subscribed, each with what it does when it hears something. */
  private readonly listeners = new Map<Actor, (channel: string, campaign: string) => void>();
  private toldClock = '';

  constructor(path: string) {
    this.raw = new Redis({ path, protocol: 2, maxRetriesPerRequest: 0 });
    this.raw.on('error', () => undefined);
  }

  /** Empties it for a run. */
  async begin(world: World): Promise<void> {
    this.world = world;
    this.clockOffsetMs = 0;
    this.runId = 1;
    this.listeners.clear();
    this.deliveredAt.clear();
    await this.forgetAll();
  }

  get now(): number {
    return this.world.time.wall() + this.clockOffsetMs;
  }

  /** What TIME answers. */
  private time(): [string, string] {
    return [String(Math.floor(this.now / 1_000)), String((this.now % 1_000) * 1_000)];
  }

  restart(): void {
    this.runId += 1;
  }

  /** The run id that scripts read as the server's. */
  run(): Promise<string | null> {
    return this.raw.hget(CLOCK, 'run');
  }

  async forgetAll(): Promise<void> {
    await this.raw.flushall();
    this.expiries.clear();
    this.toldClock = '';
  }

  async snapshot(): Promise<Snapshot> {
    const names = (await this.raw.keys('*')).filter((key) => key !== CLOCK).toSorted();
    const dumps = await Promise.all(names.map((key) => this.raw.dumpBuffer(key)));
    return { keys: names.map((key, index) => [key, dumps[index]!]), expiries: new Map(this.expiries) };
  }

  async putBack({ keys, expiries }: Snapshot): Promise<void> {
    await this.forgetAll();
    await Promise.all(keys.map(([key, dump]) => this.raw.restore(key, 0, dump)));
    this.expiries = new Map(expiries);
  }

  /** Tells Redis what time it is, and takes away what has expired. */
  async keepTime(): Promise<void> {
    const gone = [...this.expiries].filter(([, at]) => at <= this.world.time.now).map(([key]) => key);
    for (const key of gone) this.expiries.delete(key);
    if (gone.length > 0) await this.raw.del(...gone);
    const us = Math.floor((WALL_START_MS + this.world.time.now + this.clockOffsetMs) * 1_000);
    const run = createHash('sha1').update(`run ${this.runId}`).digest('hex');
    const told = `${us} ${run}`;
    if (told === this.toldClock) return;
    this.toldClock = told;
    await this.raw.hset(CLOCK, 's', Math.floor(us / 1_000_000), 'us', us % 1_000_000, 'run', run);
  }

  /** Redis as one process reaches it, by one connection. */
  reach(actor: Actor): RedisClient {
    let closed = false;
    const step = <T>(what: string, keys: readonly string[], effect: () => Promise<T>): Promise<T> =>
      closed
        ? Promise.reject(ERRORS.refused())
        : this.world.step(actor, { ...ERRORS, what, effect: () => this.perform(keys, effect) });
    const special: Record<string, unknown> = {
      status: 'ready',
      evalsha: (sha: string, count: number, ...rest: unknown[]) => {
        const script = this.scripts.get(sha)!;
        const keys = rest.slice(0, count) as string[];
        return step(script.name, keys, () => this.runScript(script.sha, script.name, count, rest));
      },
      set: (key: string, ...rest: unknown[]) =>
        step(`set ${nameOf(key)}`, [key], () => (this.raw.set as Command)(key, ...rest)),
      pipeline: (...args: unknown[]) => this.gathered(step, this.raw.pipeline(...(args as [])), 'pipeline'),
      multi: () => this.gathered(step, this.raw.multi() as never, 'multi'),
      disconnect: () => {
        closed = true;
      },
      subscribe: async () => undefined,
      on: (event: string, listener: (channel: string, campaign: string) => void) => {
        if (event === 'message') this.listeners.set(actor, listener);
      },
      once: () => undefined,
    };
    return new Proxy(this.raw, {
      get: (raw, name) => {
        if (typeof name === 'symbol' || name === 'then' || name in special) return special[name as string];
        const command = (raw as unknown as Record<string, Command>)[name];
        if (typeof command !== 'function') return command;
        return (...args: unknown[]) =>
          step(`${name} ${nameOf(typeof args[0] === 'string' ? args[0] : '')}`, [], () => command.apply(raw, args));
      },
    }) as unknown as RedisClient;
  }

  private async perform<T>(keys: readonly string[], effect: () => Promise<T>): Promise<T> {
    await this.keepTime();
    const result = await effect();
    await this.noteExpiries(keys);
    return result;
  }

  /** Redis's own expiry follows the real clock: a key that was given one keeps it here instead. */
  private async noteExpiries(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      if (/:(gate|free|exceptions|cancelled|turns|work:\d+|users:\d+)$/.test(key)) continue;
      const [ms] = await Promise.all([this.raw.pttl(key), this.raw.persist(key)]);
      if (ms > 0) this.expiries.set(key, this.world.time.now + Math.ceil(ms / 50) * 50);
      else if (ms === -2) this.expiries.delete(key);
    }
  }

  private async runScript(sha: string, name: string, count: number, rest: unknown[]): Promise<unknown> {
    const reply = await (this.raw.evalsha as Command)(sha, count, ...rest);
    if (ARRIVING.has(name)) this.announce();
    return reply;
  }

  /** Loads the product's scripts, with the model's clock and run id in place of the server's. */
  async learnScripts(): Promise<void> {
    for (const file of readdirSync(LUA).filter((path) => path.endsWith('.lua'))) {
      const { name, source, sha: known } = loadScript(file.replace(/\.lua$/, ''));
      const text = source
        .replaceAll(/\bcall\(['"]TIME['"]\)/g, `call('HMGET', '${CLOCK}', 's', 'us')`)
        .replaceAll(
          /\b(?:redis\.)?call\(['"]INFO['"], ['"]server['"]\)/g,
          `('run_id:' .. redis.call('HGET', '${CLOCK}', 'run'))`,
        );
      const sha = (await this.raw.script('LOAD', text)) as string;
      this.scripts.set(known, { sha, name });
    }
  }

  /** A message reaches who is there at once; who is not does without. */
  private announce(): void {
    for (const [actor, listener] of this.listeners) {
      if (actor.alive) running.run({ actor, task: 'arrivals' }, () => listener('sluice:arrivals', CAMPAIGN));
    }
  }

  /** Silence is measured on the model's clock: what was silent for long enough is made to look so. */
  private async silence([work, group, , idleMs]: string[]): Promise<void> {
    const pending = (await this.raw.xpending(work!, group!, '-', '+', 1_000).catch(() => [])) as [string, string][];
    for (const [id, owner] of pending) {
      const idle = this.world.time.now - (this.deliveredAt.get(`${work} ${id}`) ?? this.world.time.now);
      if (idle < Number(idleMs) || (await this.raw.xrange(work!, id, id)).length === 0) continue;
      await this.raw.xclaim(work!, group!, owner, 0, id, 'IDLE', Math.ceil(idle), 'JUSTID');
    }
  }

  private noteDelivered({ name, args }: Queued, reply: unknown): void {
    const streams: [string, [string][]][] =
      name === 'xautoclaim' ? [[args[0]!, (reply as [string, [string][]])?.[1] ?? []]] : ((reply ?? []) as []);
    for (const [work, entries] of streams)
      for (const [id] of entries) this.deliveredAt.set(`${work} ${id}`, this.world.time.now);
  }

  private gathered(
    step: <T>(what: string, keys: readonly string[], effect: () => Promise<T>) => Promise<T>,
    pipeline: ReturnType<Redis['pipeline']>,
    kind: string,
  ): unknown {
    const queue = (pipeline as unknown as { _queue: Queued[] })._queue;
    const proxy: unknown = new Proxy(pipeline, {
      get: (target, name) => {
        const value = Reflect.get(target, name) as unknown;
        if (name === 'exec')
          return () => {
            const asked = [...queue];
            return step(`${kind} ${[...new Set(asked.map(({ name }) => name))].join(' ')}`, [], async () => {
              for (const { name, args } of asked) if (name === 'xautoclaim') await this.silence(args);
              const replies = await target.exec();
              return replies?.map((reply, index) => {
                const one = asked[index]!;
                if (DELIVERING.has(one.name)) this.noteDelivered(one, reply[1]);
                return one.name === 'time' ? [null, this.time()] : reply;
              });
            });
          };
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          const result = (value as (...args: unknown[]) => unknown).apply(target, args);
          return result === target ? proxy : result;
        };
      },
    });
    return proxy;
  }
}

/** `gate` of `sluice:{lane}:campaign:gate`. */
const nameOf = (key: string): string => key.replace(/^sluice:\{[^}]*\}:[a-z\d-]+:/, '');
