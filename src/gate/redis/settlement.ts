// The arguments of `lua/settle.lua`, in the order of its header.
import { entryIdOf } from '../../domain/shard.ts';
import type { TicketException } from '../../domain/ticket-state.ts';
import { GROUP, keys } from '../../redis/keys.ts';
import { encodeOutcome } from './outcome-text.ts';

export function settleArguments(
  campaign: string,
  epoch: number,
  shard: number,
  seqs: readonly number[],
  exceptions: readonly TicketException[],
): { keys: string[]; args: (string | number)[] } {
  const args: (string | number)[] = [GROUP, epoch, shard, seqs.length, exceptions.length];
  for (const seq of seqs) args.push(entryIdOf(seq));
  for (const { seq, outcome, returnedUnit } of exceptions) args.push(seq, encodeOutcome(outcome), returnedUnit ?? 0);
  const names = [keys.gate(campaign), keys.work(campaign, shard), keys.exceptions(campaign), keys.free(campaign)];
  return { keys: names, args };
}
