// One worker's turns in some lanes: which campaigns it reads next. One connection does for all of them.
//
// What a turn promises while gates change: entries are given out under the epoch that their gate had *before* they were read.
// An epoch that began since makes them void; an epoch that was read afterwards could make void entries good.
import { type Fault, isFault } from '../domain/fault.ts';
import { createLines } from '../gate/redis/lines.ts';
import { limits } from '../process/limits.ts';
import type { RedisClient } from '../redis/connection.ts';
import type { Read } from '../redis/reads.ts';
import { CampaignStreams, type OpenGate } from './campaign-streams.ts';
import { type InLine, inTurn, type Look, lookAt, nextLook } from './lines.ts';
import type { Batch } from './port.ts';
import { type Chosen, StreamReader, type StreamReaderDeps } from './stream-reader.ts';

export interface TurnsDeps extends StreamReaderDeps {
  /** Says which campaigns are read, where not all of them are. */
  isWanted?: ((campaign: string) => boolean) | undefined;
  /** A campaign with tickets could not be read. */
  onUnreadable: (campaign: string) => void;
  /** A campaign was read, or has no tickets any more. */
  onRead: (campaign: string) => void;
  onError: (error: unknown) => void;
}

export class Turns {
  private readonly deps: TurnsDeps;
  private readonly connection: RedisClient;
  private readonly reader: StreamReader;
  private readonly lanes: readonly number[];
  private readonly known = new Map<string, CampaignStreams>();
  private readonly streamsOfBatch = new WeakMap<Batch, CampaignStreams>();
  private line: InLine[] = [];
  /** What the last read told of lines and gates, for the next turn: a turn in a hurry is one round trip. */
  private look: Look | undefined;
  /** By `performance.now()`: a look that was asked for until then may be wrong. */
  private oldUntil = 0;
  /** The lane that is first: the one behind that of the campaign served last, so that lanes take turns, too. */
  private firstLane = 0;
  private forgetAt = 0;

  constructor(deps: TurnsDeps, connection: RedisClient, lanes: readonly number[]) {
    this.deps = deps;
    this.connection = connection;
    this.reader = new StreamReader(deps, connection);
    this.lanes = lanes;
  }

  /** Whether the last turn found a campaign in line. */
  get hasLine(): boolean {
    return this.line.length > 0;
  }

  /** Batches of the campaigns served longest ago, with some `room` tickets. Throws a Fault when the lines cannot be read. */
  async take(room: number): Promise<Batch[]> {
    const { isWanted } = this.deps;
    // Who wants but some of them has to look past the others, which it leaves where they are.
    const most = isWanted === undefined ? limits.turnsPerLane : Number.MAX_SAFE_INTEGER;
    const look = this.keptLook() ?? (await lookAt(this.connection, this.lanes, most));
    const line = inTurn(look.lines, this.firstLane);
    this.line = isWanted === undefined ? line : line.filter(({ campaign }) => isWanted(campaign));
    this.forgetSilent();
    this.look = look;
    if (!this.hasLine || room <= 0) return [];
    const { chosen, moves } = await this.choose(look, room);
    const next = nextLook(look, this.lanes, most);
    // All of them have their batches in hand, and nobody else is in line.
    if (chosen.length === 0 && next !== undefined) return [];
    const { batches, failed, beside } = await this.reader.read(chosen, [...moves, ...(next?.reads ?? [])]);
    this.look = next?.lookOf(beside.slice(moves.length));
    for (const { streams, fault } of failed) this.fail(streams, fault);
    const unread = new Set(failed.map(({ streams }) => streams));
    for (const { streams } of chosen) if (!unread.has(streams)) this.succeed(streams);
    for (const batch of batches) this.streamsOfBatch.set(batch, this.known.get(batch.campaign)!);
    return batches;
  }

  release(batch: Batch, how: 'settled' | 'unsettled'): void {
    this.streamsOfBatch.get(batch)?.release(batch, how);
    // Its gate may have another epoch now.
    if (how === 'unsettled') this.lookAgain();
  }

  /** What was known of lines and gates until now is old: the next turn looks at them before it reads. */
  lookAgain(): void {
    this.oldUntil = performance.now();
  }

  private keptLook(): Look | undefined {
    const since = Math.max(this.oldUntil, performance.now() - limits.lookKeptMs);
    return this.look !== undefined && this.look.askedAt > since ? this.look : undefined;
  }

  /** Whoever is looked at goes to the end of the line, so that the next look is at others. */
  private async choose(look: Look, room: number): Promise<{ chosen: Chosen[]; moves: Read[] }> {
    const [chosen, moves]: [Chosen[], Read[]] = [[], []];
    let left = room;
    for (const { campaign, laneAt, moveBack } of this.line) {
      if (left <= 0) break;
      this.firstLane = laneAt + 1;
      moves.push(moveBack);
      const gate = look.gates.get(campaign);
      const streams = this.streamsOf(campaign);
      if (gate === undefined) await this.leave(campaign);
      else if (isFault(gate)) this.fail(streams, gate);
      else if (!streams.isResting) left -= this.chooseShards(streams, gate, left, chosen);
    }
    return { chosen, moves };
  }

  /** As many idle shards as fit into `room`, at least one; returns how many tickets they may hold. */
  private chooseShards(streams: CampaignStreams, gate: OpenGate, room: number, chosen: Chosen[]): number {
    streams.meet(gate);
    const perShard = Math.min(this.deps.batchMax, Math.ceil(gate.waitingCount / gate.shards));
    const shards = streams.idleShards().slice(0, Math.max(1, Math.floor(room / perShard)));
    if (shards.length > 0) chosen.push({ streams, shards });
    return Math.min(shards.length * perShard, gate.waitingCount);
  }

  private streamsOf(campaign: string): CampaignStreams {
    const streams = this.known.get(campaign) ?? new CampaignStreams(campaign, this.deps.claimIdleMs);
    this.known.set(campaign, streams);
    streams.seenAt = performance.now();
    return streams;
  }

  /** Its gate has nothing to give, or is gone: the script looks once more and takes it out of the line in the same step. */
  private async leave(campaign: string): Promise<void> {
    await createLines(this.connection).check(campaign).catch(this.deps.onError);
    this.lookAgain();
    this.deps.onRead(campaign);
  }

  private fail(streams: CampaignStreams, fault: Fault): void {
    streams.fail();
    this.deps.onUnreadable(streams.id);
    this.deps.onError(fault);
  }

  private succeed(streams: CampaignStreams): void {
    streams.succeed();
    this.deps.onRead(streams.id);
  }

  /** Campaigns that were in no line for long, so that memory follows those that sell. */
  private forgetSilent(): void {
    const now = performance.now();
    if (now < this.forgetAt) return;
    this.forgetAt = now + this.deps.claimIdleMs / 3;
    for (const [campaign, { inHand, seenAt }] of this.known) {
      if (inHand.size > 0 || now - seenAt < this.deps.claimIdleMs) continue;
      this.known.delete(campaign);
      this.deps.onRead(campaign);
    }
  }
}
