// The default source: the work streams that the gates write, of the campaigns that stand in the lines of their lanes. Two
// connections a worker, whatever the number of campaigns: one reads and never blocks, one hears of arrivals.
import { backoffMs, pause, within } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import { isCluster, type RedisClient, untilReady } from '../redis/connection.ts';
import { keys } from '../redis/keys.ts';
import { LANE_TAGS, laneOf } from '../redis/lanes.ts';
import type { Batch, TicketSource } from './port.ts';
import { Turns, type TurnsDeps } from './turns.ts';

export interface RedisSourceDeps extends TurnsDeps {
  /** Opens a connection that sends nothing a second time; the source closes it. */
  openReader: (name: string) => RedisClient;
  /** Tickets that this worker may have in hand, about. */
  inHandMax: number;
  /** Longest wait until the next look while campaigns are in line; `limits.lookMaxMs` if it is not named. */
  lookMaxMs?: number | undefined;
  /** These lanes were looked at, by their name. */
  onLook: (lanes: string) => void;
  /** These lanes could not be looked at. */
  onLookFailed?: ((lanes: string, error: unknown) => void) | undefined;
}

/** Reads when it is asked for tickets: what could not be issued stays for another worker. */
export const createRedisSource = (deps: RedisSourceDeps): TicketSource => new RedisSource(deps);

/** Lanes that are read together. */
interface Group {
  name: string;
  turns: Turns;
  /** Resolves when there may be something to read. */
  woken: PromiseWithResolvers<void>;
}

class RedisSource implements TicketSource {
  private readonly deps: RedisSourceDeps;
  private readonly reader: RedisClient;
  private readonly arrivals: RedisClient;
  private readonly groups: readonly Group[];
  private readonly reading: Promise<unknown>;
  private readonly closing = new AbortController();
  private readonly inHand = new Set<Batch>();
  private received: Batch[] = [];
  private arrived = Promise.withResolvers<void>();
  private asked = Promise.withResolvers<void>();
  private isAsked = false;

  constructor(deps: RedisSourceDeps) {
    this.deps = deps;
    this.reader = deps.openReader(`${deps.name}:turns`);
    this.arrivals = deps.openReader(`${deps.name}:arrivals`);
    const lanes = LANE_TAGS.map((_, lane) => lane);
    // A node of a Cluster that hangs must not hold up the lanes of the others; one server answers all lanes at once.
    const together = isCluster(this.reader) ? lanes.map((lane) => [lane]) : [lanes];
    this.groups = together.map((members) => ({
      name: members.length === 1 ? `lane-${members[0]}` : 'lanes',
      turns: new Turns(deps, this.reader, members),
      woken: Promise.withResolvers<void>(),
    }));
    void this.listen();
    this.reading = Promise.all(this.groups.map((group) => this.keepReading(group)));
  }

  async receive(waitMs: number): Promise<Batch[]> {
    if (this.received.length === 0 && !this.closing.signal.aborted) {
      this.arrived = Promise.withResolvers();
      this.isAsked = true;
      this.asked.resolve();
      await within(waitMs, this.arrived.promise);
      this.rest();
    }
    return this.received.splice(0);
  }

  release(batch: Batch, how: 'settled' | 'unsettled'): void {
    this.inHand.delete(batch);
    const group = this.groupOf(batch.campaign);
    group.turns.release(batch, how);
    // The room is everybody's.
    for (const { woken } of this.groups) woken.resolve();
  }

  async close(): Promise<Batch[]> {
    this.closing.abort();
    this.asked.resolve();
    for (const { woken } of this.groups) woken.resolve();
    await this.reading;
    for (const connection of [this.reader, this.arrivals]) connection.disconnect();
    return this.received.splice(0);
  }

  private groupOf = (campaign: string): Group => this.groups[laneOf(campaign) % this.groups.length]!;

  private rest(): void {
    if (!this.isAsked) return;
    this.isAsked = false;
    this.asked = Promise.withResolvers();
  }

  /** What is not heard here, for whatever reason, is found a second later at most. */
  private async listen(): Promise<void> {
    this.arrivals.on('message', (_channel: string, campaign: string) => {
      const { turns, woken } = this.groupOf(campaign);
      turns.lookAgain();
      woken.resolve();
    });
    while (!this.closing.signal.aborted) {
      try {
        await untilReady(this.arrivals, limits.receiveMs);
        await this.arrivals.subscribe(keys.arrivals);
        return; // from here on the client subscribes by itself whenever it has connected again
      } catch (error) {
        this.deps.onError(error);
        await pause(limits.backoffMaxMs, this.closing.signal);
      }
    }
  }

  private async keepReading(group: Group): Promise<void> {
    const { signal } = this.closing;
    let failureCount = 0;
    let lookCount = 0;
    while (!signal.aborted) {
      if (!this.isAsked) {
        await this.asked.promise;
        continue;
      }
      // What arrives while a turn is taken is a reason for another one.
      group.woken = Promise.withResolvers();
      try {
        await untilReady(this.reader, limits.readMs);
        const batches = await group.turns.take(this.room());
        this.deps.onLook(group.name);
        failureCount = 0;
        this.arrive(batches);
        lookCount = batches.length > 0 || !group.turns.hasLine ? 0 : lookCount + 1;
        if (batches.length === 0) await within(this.lookAgainMs(group, lookCount), group.woken.promise);
      } catch (error) {
        this.deps.onError(error);
        this.deps.onLookFailed?.(group.name, error);
        await pause(backoffMs(failureCount++, limits.backoffMinMs, limits.backoffMaxMs), signal);
      }
    }
  }

  /** Soon while there is a line: entries in the hands of others come free, and new ones behind them are not announced. */
  private lookAgainMs({ turns }: Group, lookCount: number): number {
    if (!turns.hasLine) return limits.receiveMs;
    const most = this.inHand.size > 0 ? limits.lookBusyMaxMs : (this.deps.lookMaxMs ?? limits.lookMaxMs);
    return Math.min(most, limits.lookMinMs * 2 ** Math.min(lookCount - 1, 10));
  }

  private room(): number {
    let count = 0;
    for (const { entries } of this.inHand) count += entries.length;
    return this.deps.inHandMax - count;
  }

  private arrive(batches: readonly Batch[]): void {
    if (batches.length === 0) return;
    for (const batch of batches) this.inHand.add(batch);
    this.received.push(...batches);
    this.rest();
    this.arrived.resolve();
  }
}
