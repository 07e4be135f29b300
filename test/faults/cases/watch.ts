// What cases look at from outside while they hurt something.
import { readFileSync } from 'node:fs';
import type { ChainableCommander, Redis } from 'ioredis';
import { until } from '../../helpers/until.ts';
import { keyOfCampaign } from '../checker/names.ts';
import type { Crowd } from '../crowd/crowd.ts';
import type { House } from '../stage/stage.ts';

/** Waits until this many buyers of a crowd have an answer that ends. */
export const settled = (crowd: Crowd, count: number, withinMs = 15_000) =>
  until(`${count} buyers have their answer`, withinMs, () => crowd.settledCount() >= count);

/** For workers that are to rebuild a gate: strangers are admitted again this long after it, not 15 s. */
export const SHORT_GRACE = { RECOVERY_GRACE_MS: '1500' };

/** Does something to a work stream; the seqs of the entries that are gone by it, and nobody's by then. */
export async function takeOut(redis: Redis, work: string, hurt: (reading: ChainableCommander) => unknown) {
  const hurting = redis.multi().xrange(work, '-', '+');
  hurt(hurting);
  const replies = (await hurting.xrange(work, '-', '+').exec())!;
  const [before, after] = [replies[0]![1], replies.at(-1)![1]] as [string, string[]][][];
  const left = new Set(after!.map(([id]) => id));
  return before!.filter(([id]) => !left.has(id)).map(([id]) => Number(id.split('-')[0]));
}

/** Resident memory of a process in MB. */
export function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
}

/** The key of a sale. */
export const keyOf = (sale: { id: string }, rest: string): string => keyOfCampaign(sale.id, rest);

export const seqOf = async (redis: Redis, sale: { id: string }): Promise<number> =>
  Number(await redis.hget(keyOf(sale, 'gate'), 'seq'));

/** Every key of a sale with its content, as one text: equal texts mean that not a bit has changed. */
export async function contentOf(redis: Redis, sale: { id: string }): Promise<string> {
  const names = (await redis.keys(keyOf(sale, '*'))).toSorted();
  const dumps = await Promise.all(names.map((name) => redis.dumpBuffer(name)));
  return names.map((name, index) => `${name} ${dumps[index]?.toString('hex')}`).join('\n');
}

/** Entries of all shards that were received and not acked, by consumer. */
export async function pendingOf(redis: Redis, sale: { id: string }, shards: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let shard = 0; shard < shards; shard += 1) {
    const pending = (await redis
      .xpending(keyOf(sale, `work:${shard}`), 'issuers', '-', '+', 10_000)
      .catch(() => [])) as [id: string, consumer: string][];
    for (const [, consumer] of pending) counts[consumer] = (counts[consumer] ?? 0) + 1;
  }
  return counts;
}

/** Makes every row take this long to write, so that whoever is hurt has work in hand. */
export const slowLedger = (house: House, seconds: number) =>
  house.database.sql(`CREATE TRIGGER slow BEFORE INSERT ON issuances FOR EACH ROW DO SLEEP(${seconds})`);

export const isReady = async (house: House): Promise<boolean> =>
  fetch(`${house.front.url}/readyz`).then(
    (answer) => answer.ok,
    () => false,
  );

/** Ms from admission to row of every row of a sale; only of users like `pattern`. */
export async function rowWaits(house: House, sale: { id: string }, pattern = '%'): Promise<number[]> {
  const rows = await house.database.sql(
    `SELECT TIMESTAMPDIFF(MICROSECOND, admitted_at, issued_at) / 1000 AS ms FROM issuances
      WHERE campaign = ? AND user LIKE ?`,
    [sale.id, pattern],
  );
  return rows.map(({ ms }) => Number(ms));
}

export async function rowCount(house: House, sale: { id: string }): Promise<number> {
  const [row] = await house.database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign = ?', [sale.id]);
  return Number(row!.n);
}
