// The public application of a front as it is before its first buyer comes, over a gate that admits everybody in memory: who
// sends it requests has the code of joins and polls compiled, and nothing is stored, counted or traced.

import { createCampaignMemory } from '../admission/campaign-memory.ts';
import type { Campaigns } from '../admission/campaigns.ts';
import { createJoins } from '../admission/joins.ts';
import { createTickets } from '../admission/tickets.ts';
import { createWaits } from '../admission/waits.ts';
import { mapSettings, SETTINGS } from '../domain/campaign-settings.ts';
import { spanClock } from '../domain/clock.ts';
import { DECISION_KINDS, type DecisionKind } from '../domain/decision.ts';
import type { Durability } from '../domain/durability.ts';
import { Fault } from '../domain/fault.ts';
import type { GateView } from '../domain/gate-view.ts';
import { userTag } from '../domain/ids.ts';
import type { TicketKeys } from '../domain/ticket.ts';
import type { Gate } from '../gate/port.ts';
import { createGate, readAdmitReply } from '../gate/redis/gate.ts';
import { countingAnswers } from '../http/answer-metrics.ts';
import { createAddressOf } from '../http/client-address.ts';
import { createJoinLimits } from '../http/public/client-limits.ts';
import { withCors } from '../http/public/cors.ts';
import { createFront } from '../http/public/front.ts';
import { createIdentify } from '../http/public/identity.ts';
import { tellingServerErrors } from '../http/server-errors.ts';
import type { RedisClient } from '../redis/connection.ts';

export interface WarmUpApp {
  fetch: ReturnType<typeof countingAnswers>['fetch'];
  /** Paths and headers of its requests by number: every third one is a poll, the others are joins. */
  requestOf: (n: number) => { method: string; path: string; headers: Record<string, string> };
  /** Resolves when Redis has answered what was asked of it, or said that it cannot. */
  settled: () => Promise<void>;
}

/** Those of the front that decide which of its code joins and polls run through. */
interface WarmUpSettings {
  durability: Durability;
  ticketKeys: TicketKeys;
  couponKey: Buffer;
  ticketsNeedUser: boolean;
  trustedProxies: readonly string[];
  corsOrigins: readonly string[];
  publicUrl: string | undefined;
  clientLimits: { joinsPerSecond: number; joinsPerAddressPerSecond: number; pollsPerSecond: number };
}

const CAMPAIGN = 'warm-up';
/** No campaign can have this id, so that no gate has it: the script refuses the call after its first read. */
const NO_CAMPAIGN = 'warm.up';
const STOCK = 1_000_000;
const SHARDS = 8;

export function composeWarmUp(redis: RedisClient, settings: WarmUpSettings): WarmUpApp {
  const { ticketKeys, couponKey, durability, publicUrl, corsOrigins, ticketsNeedUser, clientLimits } = settings;
  const memory = createCampaignMemory(viewOf(), spanClock());
  const { gate, settled } = gateOf(redis);
  const campaigns = campaignsOf(memory);
  const joins = createJoins({ gate, campaigns });
  const { pollsPerSecond } = clientLimits;
  const told = { durability, publicUrl, pollsPerSecond, findTicket: refused };
  const tickets = createTickets({ gate, campaigns, ticketKeys, couponKey, ...told });
  const front = createFront({
    joins,
    tickets,
    waits: createWaits({ campaigns, tickets, leaving: new AbortController().signal }),
    giveBack: refused,
    campaigns,
    corsOrigins,
    publicUrl,
    identify: createIdentify({ kind: 'header' }, { clock: Date.now, onError: nothing }),
    ticketsNeedUser,
    addressOf: createAddressOf(settings.trustedProxies),
    clientLimits: createJoinLimits({ ...clientLimits, openCount: () => async () => 0, now: spanClock }),
    traces: { begin: nothing, end: nothing },
    traceTicket: (_request, answer) => answer(),
    shedding: { isSaturated: () => false, lagMs: () => 0, close: nothing },
    decisions: Object.fromEntries(DECISION_KINDS.map((kind) => [kind, 0])) as Record<DecisionKind, number>,
    countJoin: nothing,
    shed: { 'event-loop': 0, gate: 0 },
    observeJoin: nothing,
    readiness: () => ({ reasons: [], warnings: [] }),
    readinessDetails: () => ({}),
  });
  const told5xx = tellingServerErrors(withCors(front.fetch, corsOrigins), 'public', nothing);
  const user = (n: number) => `warm-${n}`;
  return {
    fetch: countingAnswers(told5xx.fetch, 'public', nothing).fetch,
    requestOf(n) {
      const headers = { 'x-user-id': user(n) };
      if (n % 3 !== 2) return { method: 'POST', path: `/v1/campaigns/${CAMPAIGN}/tickets`, headers };
      const admission = { seq: n, unit: n, admittedAt: Date.now() };
      const { ticket } = tickets.handOut(memory, admission, userTag(CAMPAIGN, user(n)));
      return { method: 'GET', path: `/v1/tickets/${ticket}`, headers };
    },
    settled,
  };
}

const nothing = (): undefined => undefined;
const refused = () => Promise.reject(new Fault('defect', 'a front that warms up asks no ledger'));

/** Half of its shards are settled, so that polls go both ways: from memory, and through the gate. */
function viewOf(): GateView {
  const sizes: Record<string, number> = { stock: STOCK, shards: SHARDS };
  const settings = mapSettings(SETTINGS, 'name', {
    name: () => CAMPAIGN,
    instant: () => null,
    integer: ({ name }) => sizes[name] ?? 0,
  });
  const settledTo = Array.from({ length: SHARDS }, (_, shard) => (shard % 2 === 0 ? STOCK : 0));
  const now = spanClock();
  return {
    id: CAMPAIGN,
    ...settings,
    epoch: 1,
    epochs: [{ epoch: 1, afterSeq: 0 }],
    version: 1,
    state: 'active',
    recoveringUntil: 0,
    buckets: Math.ceil(STOCK / 90),
    seq: STOCK,
    remaining: STOCK,
    settledCount: 0,
    retryingCount: 0,
    cancelledCount: 0,
    watermarks: settledTo,
    acked: settledTo,
    readAt: now,
    clock: { aheadMs: Date.now() - now, doubtMs: 0 },
  };
}

/** Admits everybody at once. Redis gets the same calls for a gate that is not there, and loads the script with the first. */
function gateOf(redis: RedisClient): { gate: Gate; settled: () => Promise<void> } {
  const real = createGate(redis);
  const calls: Promise<unknown>[] = [];
  const gate: Gate = {
    ...real,
    async admit(shape, joins, deadlineMs) {
      calls.push(real.admit({ ...shape, id: NO_CAMPAIGN }, joins, deadlineMs).catch(nothing));
      const now = Date.now();
      const replies = joins.flatMap((_, index) => [DECISION_KINDS.indexOf('admitted'), index + 1, index + 1, now, 0]);
      return readAdmitReply([now, STOCK, STOCK, 0, 0, ...replies], joins.length);
    },
    outcome: async () => ({ outcome: { status: 'issued-as-promised' }, standing: { seq: 1, unit: 1 } }),
  };
  return { gate, settled: async () => void (await Promise.all(calls)) };
}

/** The one campaign that everybody asks for. */
const campaignsOf = (memory: ReturnType<typeof createCampaignMemory>): Campaigns => ({
  peek: () => memory,
  watch: () => memory,
  glance: () => memory,
  get: async () => memory,
  ended: nothing,
  hasEnded: async () => false,
  refresh: async () => true,
  expectVersion: nothing,
  onReading: () => nothing,
  clockErrorMs: nothing,
  keepReading: async () => undefined,
});
