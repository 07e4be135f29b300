// The default source: the work streams that the gates write. It has one reader, and so one connection, for each campaign
// that may have tickets; nobody outside of it knows.
import { backoffMs, pause, within } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import type { CampaignsWithWork, CarriedCampaign } from './campaigns-with-work.ts';
import type { Batch, TicketSource } from './port.ts';
import { openRedisReader, type RedisReader, type RedisReaderDeps } from './redis-reader.ts';

export interface RedisStreamsDeps extends RedisReaderDeps {
  /** Which campaigns may have tickets now. */
  lookForWork: () => Promise<CampaignsWithWork>;
  /** A campaign's streams were read, whether or not anything was in them; until it is left they are to be read again. */
  onRead: (campaign: string) => void;
  onLeave: (campaign: string) => void;
  onError: (error: unknown) => void;
}

/** Looks for work from now on, and reads it when it is asked for. */
export function createRedisStreams(deps: RedisStreamsDeps): TicketSource {
  return new RedisStreams(deps);
}

interface Attended {
  epoch: number;
  stop: AbortController;
  /** Resolves when nothing more is read. */
  read: Promise<void>;
}

class RedisStreams implements TicketSource {
  private readonly deps: RedisStreamsDeps;
  private readonly attended = new Map<string, Attended>();
  private readonly readers = new WeakMap<Batch, RedisReader>();
  private readonly closing = new AbortController();
  private readonly looking: Promise<void>;
  private received: Batch[] = [];
  private arrived = Promise.withResolvers<void>();
  /** Readers that read nothing, because nobody asks: what could not be issued stays for another worker. */
  private readonly resting = new Set<() => void>();
  private isAsked = false;
  /** When the call that asks ends, so that no read outlasts it. */
  private askedUntil = 0;

  constructor(deps: RedisStreamsDeps) {
    this.deps = deps;
    this.looking = this.keepLooking();
  }

  async receive(waitMs: number): Promise<Batch[]> {
    if (this.received.length === 0) {
      this.isAsked = true;
      this.arrived = Promise.withResolvers();
      this.askedUntil = performance.now() + waitMs;
      this.wakeReaders();
      await within(waitMs, this.arrived.promise);
      this.isAsked = false;
    }
    return this.received.splice(0);
  }

  release(batch: Batch, how: 'settled' | 'unsettled'): void {
    this.readers.get(batch)?.release(batch, how);
  }

  async close(): Promise<Batch[]> {
    this.closing.abort();
    const attended = [...this.attended.values()];
    for (const { stop } of attended) stop.abort();
    this.wakeReaders();
    await Promise.all([this.looking, ...attended.map(({ read }) => read)]);
    return this.received.splice(0);
  }

  private async keepLooking(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      await this.look().catch(this.deps.onError);
      await pause(limits.campaignLookMs, signal);
    }
  }

  private async look(): Promise<void> {
    const { found, unreadable } = await this.deps.lookForWork();
    if (this.closing.signal.aborted) return;
    const wanted = new Map(found.map((campaign) => [campaign.id, campaign]));
    // A gate that was rebuilt is another one: its tickets are carried under its own epoch.
    for (const [id, { epoch, stop }] of this.attended) {
      if (!unreadable.has(id) && wanted.get(id)?.epoch !== epoch) stop.abort();
    }
    this.wakeReaders();
    for (const campaign of found) if (!this.attended.has(campaign.id)) this.attend(campaign);
  }

  private attend(campaign: CarriedCampaign): void {
    const stop = new AbortController();
    const reader = openRedisReader(this.deps, campaign);
    const read = reader.then((opened) => this.readUntil(stop.signal, opened, campaign.id)).catch(this.deps.onError);
    this.attended.set(campaign.id, { epoch: campaign.epoch, stop, read });
    // A reader of the next epoch would be given again what is still in hand.
    void read
      .then(() => reader)
      .then(
        (opened) => opened.untilEmptyHanded(),
        () => undefined,
      )
      .finally(() => this.attended.delete(campaign.id));
  }

  private async readUntil(stopping: AbortSignal, reader: RedisReader, campaign: string): Promise<void> {
    stopping.addEventListener('abort', () => reader.wake(), { once: true });
    this.deps.onRead(campaign);
    for (let failureCount = 0; !stopping.aborted; ) {
      const waitMs = Math.ceil(this.askedUntil - performance.now());
      // A read with a wait of 0 would wait without an end.
      if (!this.isAsked || waitMs <= 0) {
        await new Promise<void>((resolve) => this.resting.add(resolve));
        continue;
      }
      try {
        const batches = await reader.receive(waitMs);
        this.deps.onRead(campaign);
        this.arrive(reader, batches);
        failureCount = 0;
      } catch (error) {
        this.deps.onError(error);
        await pause(backoffMs(failureCount++, limits.backoffMinMs, limits.backoffMaxMs), stopping);
      }
    }
    this.deps.onLeave(campaign);
    reader.close();
  }

  private arrive(reader: RedisReader, batches: readonly Batch[]): void {
    if (batches.length === 0) return;
    for (const batch of batches) this.readers.set(batch, reader);
    this.received.push(...batches);
    this.isAsked = false;
    this.arrived.resolve();
  }

  private wakeReaders(): void {
    for (const wake of this.resting) wake();
    this.resting.clear();
  }
}
