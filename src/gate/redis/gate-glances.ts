// What a list shows of the gates of many campaigns: two small reads a gate, all in one pipeline.
import { chunks } from '../../domain/chunks.ts';
import { isFault } from '../../domain/fault.ts';
import { limits } from '../../process/limits.ts';
import { primariesOf, type RedisClient, rethrow } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import { type Read, readAll } from '../../redis/reads.ts';
import { infoOf } from '../../redis/server-info.ts';
import type { GateGlance, GateGlances } from '../port.ts';

const FIELDS = ['epoch', 'run_id', 'seq', 'settled', 'stock', 'next_unit'] as const;

export const createGateGlances = (redis: RedisClient): GateGlances => ({
  async read(campaigns) {
    const clocks = await clocksOf(redis);
    const reads = campaigns.flatMap(({ id }): Read[] => [
      ['hmget', keys.gate(id), ...FIELDS],
      ['zcard', keys.free(id)],
    ]);
    const replies = await inParts(redis, reads, 2 * limits.campaignsPerRead);
    return campaigns.map(({ epoch }, index): GateGlance | undefined => {
      const [gate, free] = [replies[2 * index], replies[2 * index + 1]] as [(string | null)[], number];
      if (isFault(gate) || isFault(free) || gate[0] === null) return undefined;
      const [itsEpoch, run, ...counts] = gate;
      const [seq = 0, settled = 0, stock = 0, nextUnit = 0] = counts.map(Number);
      const readAt = clocks.get(run ?? '');
      return {
        isOpen: itsEpoch === String(epoch) && readAt !== undefined,
        remaining: Math.max(0, stock - nextUnit) + free,
        backlog: Math.max(0, seq - settled),
        readAt: readAt ?? Date.now(),
      };
    });
  },
  async oldest(campaigns) {
    const works = campaigns.flatMap((campaign, index) => keys.works(campaign).map((work) => ({ work, index })));
    const reads = works.map(({ work }): Read => ['xrange', work, '-', '+', 'COUNT', 1]);
    const replies = await inParts(redis, reads, 2 * limits.campaignsPerRead);
    const times = campaigns.map((): number | undefined => undefined);
    for (const [at, { index }] of works.entries()) {
      const [entry] = isFault(replies[at]) ? [] : (replies[at] as [string, string[]][]);
      const fields = entry?.[1] ?? [];
      const ms = Number(fields[fields.indexOf('admitted_at') + 1]);
      if (Number.isFinite(ms)) times[index] = Math.min(times[index] ?? ms, ms);
    }
    return times;
  },
});

/** One part after the other: a front decides joins between two of them. */
async function inParts(redis: RedisClient, reads: readonly Read[], count: number): Promise<unknown[]> {
  const replies: unknown[] = [];
  for (const some of chunks(reads, count)) for (const reply of await readAll(redis, some)) replies.push(reply);
  return replies;
}

/** Epoch ms of all servers that may have gates and can be reached, by their run id. */
async function clocksOf(redis: RedisClient): Promise<Map<string, number>> {
  const told = await Promise.allSettled(primariesOf(redis).map((server) => infoOf(server, 'server')));
  const first = told.find(({ status }) => status === 'fulfilled') ?? told[0];
  if (first?.status === 'rejected') return rethrow(first.reason);
  const infos = told.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  // A closed gate may have the empty run id: a server that does not say its own has opened none.
  const named = infos.flatMap(({ run_id: run, server_time_usec: us }) =>
    run ? [[run, Number(us) / 1_000] as const] : [],
  );
  return new Map(named);
}
