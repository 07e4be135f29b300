// Cancellations that a gate has and the ledger lacks: the front died before it wrote them down, or its answer was lost. They are
// written into the ledger before the gate is deleted or rebuilt, so that a user who gave a ticket back gets no second ticket.
import type { StoredCampaign } from '../domain/campaign.ts';
import type { GivenBack } from '../domain/cancellation.ts';
import { epochAt } from '../domain/epochs.ts';
import type { GateView } from '../domain/gate-view.ts';
import type { GateContents, RememberedUser } from '../gate/port.ts';

export interface OwnCancellationsDeps {
  contents: Pick<GateContents, 'users' | 'exceptions'>;
  ledger: {
    cancelledTags: (campaign: string, tags: readonly string[]) => Promise<ReadonlySet<string>>;
    recordCancelled: (given: GivenBack) => Promise<void>;
  };
}

/** Reads all users of a gate that has cancelled a ticket, in pieces; of one that has not, nothing. Throws a Fault. */
export async function keepOwnCancellations(
  { contents, ledger }: OwnCancellationsDeps,
  { id, buckets }: Pick<StoredCampaign, 'id' | 'buckets'>,
  view: Pick<GateView, 'cancelledCount' | 'epoch' | 'epochs'>,
): Promise<void> {
  if (view.cancelledCount === 0) return;
  const exceptions = await contents.exceptions(id);
  for await (const users of contents.users(id, buckets)) {
    const cancelled = users.filter(
      ({ seq, tag }) => exceptions.get(seq > 0 ? String(seq) : tag)?.status === 'cancelled',
    );
    if (cancelled.length === 0) continue;
    const kept = await ledger.cancelledTags(
      id,
      cancelled.map(({ tag }) => tag),
    );
    for (const user of cancelled.filter(({ tag }) => !kept.has(tag))) {
      const { tag, unit } = user;
      await ledger.recordCancelled({ campaign: id, tag, user: undefined, unit, names: namesOf(view, user) });
    }
  }
}

/** As it was signed, and where it stands: many tickets of an earlier gate stand at seq 0. */
function namesOf({ epoch, epochs }: Pick<GateView, 'epoch' | 'epochs'>, { seq, ticket }: RememberedUser) {
  const stands = seq > 0 || ticket === undefined ? [{ epoch: epochAt(epochs, seq) ?? epoch, seq }] : [];
  return ticket === undefined ? stands : [{ epoch: ticket.epoch, seq: ticket.seq }, ...stands];
}
