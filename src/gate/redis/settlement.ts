// The book of what is not settled: the list of pending entries of the group that reads the work streams.
import { entryIdOf } from '../../domain/shard.ts';
import type { TicketException } from '../../domain/ticket-state.ts';
import { type RedisClient, redisFault } from '../../redis/connection.ts';
import { GROUP, keys } from '../../redis/keys.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import type { SettledBatch, Settlement } from '../port.ts';
import { encodeOutcome } from './outcome-text.ts';
import { ensureGroup } from './work-groups.ts';

const settleScript = loadScript('settle');

export const createSettlement = (redis: RedisClient): Settlement => ({
  async settle(batch, exceptions) {
    const { keys: names, args } = settleArguments(batch, exceptions);
    const [settled] = (await runScript(redis, settleScript, names, args).catch(async (error: unknown) => {
      // The stream vanished with this batch in hand; no reader makes its group again while the batch is not done.
      if (String(error).includes('NOGROUP')) await ensureGroup(redis, batch.campaign, batch.shard);
      throw redisFault(error);
    })) as [number, number];
    return settled;
  },
});

function settleArguments(
  { campaign, epoch, shard, entries }: SettledBatch,
  exceptions: readonly TicketException[],
): { keys: string[]; args: (string | number)[] } {
  const args: (string | number)[] = [GROUP, epoch, shard, entries.length, exceptions.length, campaign];
  for (const { seq } of entries) args.push(entryIdOf(seq));
  for (const { seq, outcome, returnedUnit } of exceptions) args.push(seq, encodeOutcome(outcome), returnedUnit ?? 0);
  const names = [keys.gate(campaign), keys.work(campaign, shard), keys.exceptions(campaign), keys.free(campaign)];
  return { keys: [...names, keys.turns(campaign)], args };
}
