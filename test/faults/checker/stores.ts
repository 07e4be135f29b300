// What the stores hold, read raw: names of columns are written down here a second time on purpose, because a
// checker that shares code with the service shares its mistakes.
import type { Redis } from 'ioredis';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { keyOfCampaign as key } from './names.ts';

const GROUP = 'issuers';
const retryJob = (campaign: string, epoch: number, seq: number): string =>
  `{sluice-retry}:issuance:t-${campaign}-${epoch}-${seq}`;

export interface WorkStream {
  pending: number[];
  /** Everything up to it was delivered to somebody. */
  lastDelivered: number;
  /** Entries that are still there, with the unit they promise. */
  entries: { seq: number; unit: number }[];
}

export interface GateState {
  epoch: number;
  /** The last seq that was given in an earlier epoch. */
  epochAfter: number;
  seq: number;
  settled: number;
  retrying: number;
  nextUnit: number;
  free: number[];
  exceptions: Map<number, string>;
  /** What a ticket says that was lost and got a place again, by that place. */
  restored: Map<number, TicketText>;
  work: WorkStream[];
}

export interface LedgerRow {
  unit: number;
  user: string;
  seq: number;
  epoch: number;
  code: string;
}

export interface Letter {
  seq: number;
  epoch: number;
  unit: number | null;
  user: string | null;
  state: string;
}

export interface LedgerState {
  stock: number;
  rows: LedgerRow[];
  letters: Letter[];
}

/** The gate as of one moment; undefined when there is none. `withEntries` reads the streams to their end. */
export async function readGate(redis: Redis, campaign: string, withEntries: boolean): Promise<GateState | undefined> {
  const fields = await redis.hgetall(key(campaign, 'gate'));
  if (fields.epoch === undefined) return undefined;
  const shards = Number(fields.shards);
  const reading = redis.multi();
  reading.hgetall(key(campaign, 'gate'));
  reading.zrange(key(campaign, 'free'), '0', '-1');
  reading.hgetall(key(campaign, 'exceptions'));
  for (let shard = 0; shard < shards; shard += 1) {
    const work = key(campaign, `work:${shard}`);
    reading.call('XPENDING', work, GROUP, '-', '+', '100000');
    reading.call('XINFO', 'GROUPS', work);
    reading.call('XRANGE', work, '-', withEntries ? '+' : '-');
  }
  const replies = (await reading.exec())!.map(([error, reply]) => (error === null ? reply : []));
  const [gate, free, exceptions] = replies as [Record<string, string>, string[], Record<string, string>];
  const count = (name: string) => Number(gate[name] ?? 0);
  // In its first epoch a gate has lost nothing.
  const restored = count('epoch') > 1 ? await readRestored(redis, campaign, count('buckets')) : new Map();
  return {
    epoch: count('epoch'),
    epochAfter: Number(/:(\d+)$/.exec(gate.epochs ?? '')?.[1] ?? 0),
    seq: count('seq'),
    settled: count('settled'),
    retrying: count('retrying'),
    nextUnit: count('next_unit'),
    free: free.map(Number),
    exceptions: new Map(Object.entries(exceptions).map(([seq, outcome]) => [Number(seq), outcome])),
    restored,
    work: Array.from({ length: shards }, (_, shard) => {
      const [pending, groups, entries] = replies.slice(3 + 3 * shard, 6 + 3 * shard) as [Id[], unknown[][], Entry[]];
      const group = groups.find((info) => info[1] === GROUP);
      return {
        pending: pending.map(([id]) => seqOf(id)),
        lastDelivered: group === undefined ? 0 : seqOf(String(group[group.indexOf('last-delivered-id') + 1])),
        entries: entries.map(([id, body]) => ({ seq: seqOf(id), unit: Number(body[body.indexOf('unit') + 1]) })),
      };
    }),
  };
}

type Id = [id: string, ...rest: unknown[]];
type Entry = [id: string, body: string[]];
const seqOf = (id: string): number => Number(id.split('-')[0]);

/** All seqs that were delivered and are pending no more: the service has said that their work is done. */
export function ackedSeqs(gate: GateState): number[] {
  const shards = gate.work.length;
  return gate.work.flatMap(({ pending, lastDelivered }, shard) => {
    const open = new Set(pending);
    const acked: number[] = [];
    const end = Math.min(lastDelivered, gate.seq);
    for (let seq = shard === 0 ? shards : shard; seq <= end; seq += shards) if (!open.has(seq)) acked.push(seq);
    return acked;
  });
}

/** Which of these seqs have a retry scheduled, in the gate's epoch or one before it. */
export async function scheduledRetries(redis: Redis, campaign: string, gate: GateState, seqs: readonly number[]) {
  const jobsOf = (seq: number): string[] => {
    const ticket = gate.restored.get(seq);
    if (ticket !== undefined) return [retryJob(campaign, ticket.epoch, ticket.seq)];
    return Array.from({ length: gate.epoch }, (_, before) => retryJob(campaign, before + 1, seq));
  };
  const there = await Promise.all(seqs.map((seq) => redis.exists(...jobsOf(seq))));
  return new Set(seqs.filter((_, index) => there[index]! > 0));
}

/** Tickets that the gate had lost: where they stand now → what they say, by the layout of a holder of 28 bytes. */
async function readRestored(redis: Redis, campaign: string, buckets: number): Promise<Map<number, TicketText>> {
  const names = Array.from({ length: buckets }, (_, bucket) => key(campaign, `users:${bucket}`));
  const holders = await Promise.all(names.map((name) => redis.hvalsBuffer(name)));
  const longer = holders.flat().filter(({ length }) => length === 28);
  return new Map(
    longer.map((holder) => [
      holder.readUIntBE(0, 6),
      { epoch: holder.readUInt16BE(16), seq: holder.readUIntBE(18, 6), unit: holder.readUInt32BE(24) },
    ]),
  );
}

/** Rows and letters as of one moment. */
export async function readLedger(ledger: Connection, campaign: string): Promise<LedgerState> {
  await ledger.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
  try {
    const [[sold]] = await ledger.query<RowDataPacket[]>('SELECT stock FROM campaigns WHERE id = ?', [campaign]);
    const [rows] = await ledger.query<(LedgerRow & RowDataPacket)[]>(
      'SELECT unit, user, seq, epoch, code FROM issuances WHERE campaign = ?',
      [campaign],
    );
    const [letters] = await ledger.query<(Letter & RowDataPacket)[]>(
      'SELECT seq, epoch, unit, user, state FROM dead_letters WHERE campaign = ?',
      [campaign],
    );
    return { stock: Number(sold?.stock ?? 0), rows, letters };
  } finally {
    await ledger.query('COMMIT');
  }
}

export interface TicketText {
  epoch: number;
  seq: number;
  unit: number;
}

/** What a ticket says, by its layout: two bytes, epoch, seq, unit, … */
export function readTicket(text: string): TicketText {
  const bytes = Buffer.from(text.split('.')[0]!, 'base64url');
  return { epoch: bytes.readUInt16BE(2), seq: bytes.readUIntBE(4, 6), unit: bytes.readUInt32BE(10) };
}
