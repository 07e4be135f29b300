// Makes events happen to tickets of a real gate, and keeps beside each the state that the table says it has.
import { expect } from 'vitest';
import { backlogOf } from '../../src/domain/gate-view.ts';
import { bucketOf, userTag } from '../../src/domain/ids.ts';
import { packPlace } from '../../src/domain/place.ts';
import { entryIdOf, shardOf } from '../../src/domain/shard.ts';
import {
  type Exceptional,
  type ExceptionalState,
  nextState,
  STATES,
  type TicketEvent,
  type TicketState,
} from '../../src/domain/ticket-state.ts';
import { createGate } from '../../src/gate/redis/gate.ts';
import { createGateReader } from '../../src/gate/redis/gate-reader.ts';
import { createReturns } from '../../src/gate/redis/returns.ts';
import { createSettlement } from '../../src/gate/redis/settlement.ts';
import type { RedisClient } from '../../src/redis/connection.ts';
import { GROUP, keys } from '../../src/redis/keys.ts';
import { campaignOf } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';

const SHARDS = 2;
/** A seq that no gate here has given out. */
const NO_SEQ = 1_000;

interface Walked {
  name: string;
  tag: string;
  state: TicketState;
  /** 0: settled before this gate was rebuilt. */
  seq: number;
  unit: number;
  entry: 'none' | 'waiting' | 'pending';
}

const OUTCOMES = {
  retrying: { status: 'retrying' },
  cancelling: { status: 'cancelling' },
  'issued-renumbered': { status: 'issued-renumbered', unit: 77 },
  failed: { status: 'failed', reason: 'a-reason: with a colon' },
  cancelled: { status: 'cancelled' },
} satisfies { [S in ExceptionalState]: Exceptional & { status: S } };

/** As older versions wrote it, spelt out: gates that are live hold these bytes. */
const KEPT: Record<ExceptionalState, string> = {
  retrying: 'retrying:',
  cancelling: 'cancelling:',
  'issued-renumbered': 'issued:77',
  failed: 'failed:a-reason: with a colon',
  cancelled: 'cancelled:',
};

export async function openWalk(redis: RedisClient) {
  const campaign = campaignOf(uniqueName('walk'), { stock: 1_000, shards: SHARDS });
  const { id } = campaign;
  const gate = createGate(redis);
  const returns = createReturns(redis);
  const readGates = createGateReader(redis);
  await gate.project(campaign, true);
  for (let shard = 0; shard < SHARDS; shard += 1) {
    await redis.xgroup('CREATE', keys.work(id, shard), GROUP, '0', 'MKSTREAM');
  }
  const walked = new Map<string, Walked>();

  const ticketOf = (name: string): Walked => {
    const known = walked.get(name);
    if (known !== undefined) return known;
    const ticket: Walked = { name, tag: userTag(id, name), state: 'lost', seq: NO_SEQ, unit: 1, entry: 'none' };
    walked.set(name, ticket);
    return ticket;
  };

  /** Failed before this gate was rebuilt: its exception is named after its tag. */
  async function restore(name: string): Promise<void> {
    const ticket = ticketOf(name);
    const place = { seq: 0, unit: 900, admittedAt: 1, ticket: { epoch: 1, seq: 900, unit: 900 } };
    await redis.hset(keys.users(id, bucketOf(ticket.tag, campaign.buckets)), ticket.tag, packPlace(place));
    await redis.hset(keys.exceptions(id), ticket.tag, KEPT.failed);
    Object.assign(ticket, { state: 'failed', seq: 0, unit: 900 });
  }

  /** Receives entries until this ticket's own was among them; one where it does not wait. */
  async function deliver({ seq, entry }: Walked): Promise<void> {
    for (;;) {
      const work = keys.work(id, shardOf(seq, SHARDS));
      const reply = await redis.xreadgroup('GROUP', GROUP, 'worker', 'COUNT', 1, 'STREAMS', work, '>');
      const [[, [[entryId]]]] = (reply ?? [['', [[undefined]]]]) as [[string, [[string | undefined]]]];
      if (entryId === undefined) return;
      const received = [...walked.values()].find((one) => one.entry === 'waiting' && entryIdOf(one.seq) === entryId)!;
      received.entry = 'pending';
      received.state = nextState(received.state, 'deliver');
      if (entry !== 'waiting' || received.seq === seq) return;
    }
  }

  async function settleAs(ticket: Walked, wanted: ExceptionalState | undefined): Promise<void> {
    // The ledger says of a cancelled ticket that it is, whatever else would have become of its entry.
    const outcome = ticket.state === 'cancelled' ? 'cancelled' : wanted;
    const exceptions = outcome === undefined ? [] : [{ seq: ticket.seq, outcome: OUTCOMES[outcome] }];
    const batch = { campaign: id, epoch: 1, shard: shardOf(ticket.seq, SHARDS), entries: [{ seq: ticket.seq }] };
    expect(await createSettlement(redis).settle(batch, exceptions)).toBe(ticket.entry === 'pending' ? 1 : 0);
    if (ticket.entry === 'pending') ticket.entry = 'none';
  }

  async function resolveAs({ state, tag, unit }: Walked, outcome: ExceptionalState | undefined): Promise<void> {
    const asPromised = { status: 'issued-renumbered', unit } as const;
    const final = outcome === undefined ? asPromised : OUTCOMES[outcome];
    expect(await gate.resolve(campaign, tag, final)).toBe(state === 'retrying');
  }

  const happen: Record<TicketEvent, (ticket: Walked) => Promise<void>> = {
    async admit(ticket) {
      const [decision] = (await gate.admit(campaign, [{ tag: ticket.tag, user: ticket.name, trace: '' }], 0)).decisions;
      expect(decision).toMatchObject({ kind: ticket.state === 'lost' ? 'admitted' : 'known' });
      if (decision?.kind === 'admitted')
        Object.assign(ticket, { seq: decision.seq, unit: decision.unit, entry: 'waiting' });
    },
    async readmit(ticket) {
      const { tag } = ticket;
      const signed = { campaign: id, tag, admittedAt: 1, epoch: 1, seq: 700, unit: 700 };
      const standing = await gate.readmit(campaign, ticket.name, signed, '');
      if (ticket.state === 'lost') Object.assign(ticket, { ...standing, entry: 'waiting' });
      expect(standing).toEqual({ seq: ticket.seq, unit: ticket.unit });
    },
    deliver,
    'settle-issued-as-promised': (ticket) => settleAs(ticket, undefined),
    'settle-issued-renumbered': (ticket) => settleAs(ticket, 'issued-renumbered'),
    'settle-retrying': (ticket) => settleAs(ticket, 'retrying'),
    'settle-failed': (ticket) => settleAs(ticket, 'failed'),
    'settle-cancelled': (ticket) => settleAs(ticket, 'cancelled'),
    async cancel(ticket) {
      const { state } = await returns.cancel(campaign, ticket.tag);
      expect(state).toBe(STATES[ticket.state].answers.cancel);
      if (ticket.state === 'waiting') ticket.entry = 'none';
    },
    'resolve-issued-as-promised': (ticket) => resolveAs(ticket, undefined),
    'resolve-issued-renumbered': (ticket) => resolveAs(ticket, 'issued-renumbered'),
    'resolve-failed': (ticket) => resolveAs(ticket, 'failed'),
    async redrive(ticket) {
      expect(await returns.redrive(campaign, ticket.tag)).toBe(STATES[ticket.state].answers.redrive);
    },
    async 'give-back'(ticket) {
      const changed = nextState(ticket.state, 'give-back') !== ticket.state;
      expect(await returns.giveBack(campaign, ticket)).toBe(changed);
    },
  };

  async function step(name: string, event: TicketEvent): Promise<void> {
    const ticket = ticketOf(name);
    const before = ticket.state;
    await happen[event](ticket);
    ticket.state = nextState(before, event);
  }

  /** That the gate tells and keeps of each ticket what the table says of its state, and counts them so. */
  async function check(): Promise<void> {
    const kept = await redis.hgetall(keys.exceptions(id));
    const expected: Record<string, string> = {};
    for (const { tag, state, seq } of walked.values()) {
      const isException = STATES[state].kept === 'exception';
      const outcome = isException ? OUTCOMES[state as ExceptionalState] : { status: STATES[state].answers.outcome };
      expect((await gate.outcome(campaign, tag)).outcome).toEqual(outcome);
      if (isException) expected[seq > 0 ? seq : tag] = KEPT[state as ExceptionalState];
    }
    expect(kept).toEqual(expected);
    const all = [...walked.values()];
    const [view] = await readGates([id]);
    expect(backlogOf(view!)).toBe(all.filter(({ entry }) => entry !== 'none').length);
    const retried = all.filter(({ state }) => STATES[state].told === 'retrying');
    expect(view!.retryingCount).toBe(retried.length);
  }

  return { step, check, restore, stateOf: (name: string) => ticketOf(name).state };
}
