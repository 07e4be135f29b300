// Campaigns whose gate is no more, as the ledger tells of them. Asked for an id that Redis has no gate of, once and then
// not again for a while, whatever the answer: an archived campaign stays one.
import { type SpanClock, spanClock } from '../domain/clock.ts';
import type { AskedTicket, EndedCampaign, EndedTicket } from '../domain/ended-campaign.ts';
import { Fault } from '../domain/fault.ts';
import { limits } from '../process/limits.ts';
import { createTurns } from '../process/turns.ts';
import type { HeldTicket } from './held-tickets.ts';
import { endedBody, isFinal, type TicketBody, type Told } from './ticket-body.ts';

/** What a front asks of the ledger about them. */
export interface EndsSource {
  findEnd: (id: string) => Promise<EndedCampaign | 'goes-on' | undefined>;
  findTicket: (asked: AskedTicket) => Promise<EndedTicket>;
}

export interface EndedCampaigns {
  /** The campaign as it was remembered to have ended, without asking. */
  peek(id: string): EndedCampaign | undefined;
  /** Asks whether it has ended. Throws a Fault. */
  find(id: string): Promise<EndedCampaign | 'goes-on' | undefined>;
}

const ARCHIVED = new Fault('archived', 'This campaign has ended');
const PURGED = new Fault('purged', 'This campaign has ended, and its tickets were deleted');

/** The Fault that says so to all who ask: one for all, because a stack trace costs more than the answer. */
export const endOf = ({ isPurged }: EndedCampaign): Fault => (isPurged ? PURGED : ARCHIVED);

export function createEndedCampaigns({ findEnd }: Pick<EndsSource, 'findEnd'>, now: SpanClock): EndedCampaigns {
  /** In the order in which they run out, nearly: what is asked for again is asked again. */
  const known = new Map<string, { told: EndedCampaign | 'goes-on' | undefined; until: number }>();
  const asking = new Map<string, ReturnType<EndsSource['findEnd']>>();

  function recall(id: string) {
    const entry = known.get(id);
    return entry !== undefined && now() < entry.until ? entry : undefined;
  }

  async function ask(id: string) {
    const told = await findEnd(id);
    const isEnded = typeof told === 'object';
    known.delete(id);
    known.set(id, { told, until: now() + (isEnded ? limits.endedViewMs : limits.unknownViewMs) });
    for (const oldest of known.keys()) {
      if (known.size <= limits.endedCampaignsMax) break;
      known.delete(oldest);
    }
    return told;
  }

  return {
    peek(id) {
      const told = recall(id)?.told;
      return typeof told === 'object' ? told : undefined;
    },
    async find(id) {
      const entry = recall(id);
      if (entry !== undefined) return entry.told;
      const asked = asking.get(id) ?? ask(id).finally(() => asking.delete(id));
      asking.set(id, asked);
      return asked;
    },
  };
}

/** One for all who are told so: a stack trace costs more than the answer. */
const CROWDED = new Fault('overloaded', 'too many clients ask for tickets of archived campaigns', { retryable: true });
const PLACE_LOST = 'place-lost';

/**
 * Tells what became of tickets of archived campaigns. A poll that has waited for its turn longer than
 * `limits.archivedWaitMs`, because the ledger answers slowly or not at all, is refused. A final answer is kept with the
 * ticket; that a ticket failed is asked again after a while, because an operator may discard its letter.
 */
export function createEndedTickets(deps: Pick<EndsSource, 'findTicket'> & Told, now: SpanClock = spanClock) {
  const inTurn = createTurns(limits.archivedAsksMax);

  async function ask(held: HeldTicket, user: string | undefined): Promise<TicketBody> {
    const { campaign, epoch, seq, unit, tag } = held.ticket;
    const askedAt = now();
    const told = await inTurn(async () => {
      if (now() - askedAt > limits.archivedWaitMs) throw CROWDED;
      return deps.findTicket({ campaign, epoch, seq, unit, tag, user });
    });
    switch (told.status) {
      case 'issued':
        return { ...endedBody(held.text, held.ticket, 'issued', deps), issuance: { code: told.code, unit: told.unit } };
      case 'cancelled':
        return endedBody(held.text, held.ticket, 'cancelled', deps);
      case 'failed':
        return endedBody(held.text, held.ticket, 'failed', deps, told.reason);
      case 'lost':
        return endedBody(held.text, held.ticket, 'failed', deps, PLACE_LOST);
    }
  }

  /** The body of a ticket whose campaign is archived. Throws a Fault. */
  return async (held: HeldTicket, user: string | undefined): Promise<TicketBody> => {
    if (held.archived !== undefined && now() < held.archived.until) return held.archived.body;
    const body = await ask(held, user);
    held.archived = { body, until: isFinal(body.status) ? Number.POSITIVE_INFINITY : now() + limits.endedViewMs };
    return body;
  };
}
