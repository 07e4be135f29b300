// The duties of a worker in this process, on a real Redis and a real ledger, so that a test can hold or break one step.
import type { TestContext } from 'vitest';
import { createCampaigns } from '../../src/admission/campaigns.ts';
import { createJoins, type JoinAnswer, type Joins } from '../../src/admission/joins.ts';
import { createTickets } from '../../src/admission/tickets.ts';
import type { TicketSource } from '../../src/broker/port.ts';
import { composeWorker } from '../../src/composition/worker.ts';
import { couponCode } from '../../src/domain/coupon.ts';
import type { DeadLetter } from '../../src/domain/dead-letter.ts';
import { Fault, isFault } from '../../src/domain/fault.ts';
import { userTag } from '../../src/domain/ids.ts';
import { createFrontReaders } from '../../src/gate/redis/front-readers.ts';
import { campaignStore } from '../../src/ledger/campaign-store.ts';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { createLedgerGuard } from '../../src/ledger/guard.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { pause } from '../../src/process/lifecycle.ts';
import { limits } from '../../src/process/limits.ts';
import { openReading } from '../../src/redis/connection.ts';
import { openRetries, type RetryPace, workOnRetries } from '../../src/retry/bullmq.ts';
import type { RetryWork } from '../../src/retry/port.ts';
import { type IssuerDeps, issueTickets } from '../../workers/issuer.ts';
import { createRetryWork } from '../../workers/retrier.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { COUPON_KEY, TICKET_KEY } from '../helpers/processes.ts';
import { testRedis } from '../helpers/redis.ts';
import { uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';

const couponKey = Buffer.from(COUPON_KEY, 'hex');
const ticketKeys = { current: 1, keys: new Map([[1, Buffer.from(TICKET_KEY, 'hex')]]) };

/** Under its own name a worker is given again what it had received. */
const WORKER = 'duties';

export interface DutiesOptions {
  redisUrl: string;
  ledger: Ledger;
  claimIdleMs?: number;
  pace?: RetryPace;
}

export type Duties = ReturnType<typeof openDuties>;

/** Everything closes with the test. Nothing runs until it is started. */
export function openDuties(t: TestContext, { redisUrl, ledger, claimIdleMs = 30_000, pace }: DutiesOptions) {
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const redis = testRedis(t, redisUrl);
  const store = campaignStore(ledger);
  const retries = openRetries({ url: redisUrl, onError }, pace);
  t.onTestFinished(() => retries.close());
  const guard = createLedgerGuard(ledger);
  t.onTestFinished(() => guard[Symbol.dispose]());
  // How many batches were at work in the ledger whenever one began.
  const working: number[] = [];
  let workingCount = 0;
  const run: typeof guard.run = (work, of) =>
    guard.run(() => {
      working.push(++workingCount);
      return work().finally(() => {
        workingCount -= 1;
      });
    }, of);
  const vanished: number[] = [];
  const foreign: string[] = [];
  const left: number[] = [];
  const worker = composeWorker(
    {
      redis,
      ledger,
      guard: { ...guard, run },
      retries,
      openReader: (name) => openReading({ url: redisUrl, name, commandMs: limits.readMs, onError }),
    },
    {
      name: WORKER,
      couponKey,
      claimIdleMs,
      durability: 'disk',
      graceMs: 0,
      retainEndedMs: 0,
      retainLedgerMs: undefined,
    },
    {
      onVanished: (_campaign, seqs) => void vanished.push(...seqs),
      onForeign: (_campaign, ids) => void foreign.push(...ids),
      onLeft: (count) => void left.push(count),
      onError,
    },
  );
  const issuerDeps = worker.issuer;
  const retryWork = createRetryWork(worker.retrier);
  const { gate } = worker.issuer;
  const { returns, cancellations } = worker.retrier;
  const { readGates } = worker.finisher;

  /** The tickets of one campaign, for a worker of that name; closed by whoever opens it. */
  const source = (id: string, name = WORKER): TicketSource => worker.openSource((campaign) => campaign === id, name);
  /** Tests of one file share a Redis, and what an earlier one left waiting is not this one's. */
  const own = new Set<string>();
  const openSource = () => worker.openSource((campaign) => own.has(campaign));

  /** Runs a duty; stopped by what it returns, or with the test. */
  function runDuty(duty: (stopping: AbortSignal) => Promise<void>): () => Promise<void> {
    const stopping = new AbortController();
    const ended = duty(stopping.signal).catch(onError);
    const stop = () => {
      stopping.abort();
      return ended;
    };
    t.onTestFinished(stop);
    return stop;
  }

  return {
    redis,
    ledger,
    gate,
    returns,
    store,
    letters: worker.finisher.store,
    cancellations,
    readGates,
    source,
    /** Of all campaigns that were opened here. */
    openSource,
    settlement: worker.issuer.settlement,
    retries,
    retryWork,
    issuerDeps,
    keepLetter: (letter: DeadLetter, epoch?: number) => keepDeadLetter(ledger, letter, epoch),
    errors,
    vanished,
    foreign,
    left,
    guard,
    working,
    run: runDuty,

    /** An open campaign whose gate stands. */
    async openCampaign(settings: { stock: number; shards?: number }): Promise<string> {
      const { campaign } = await store.create({ id: uniqueName('duty'), shards: 1, ...settings }, 'tester');
      await gate.project(campaign, true);
      await store.markProjected(campaign.id, campaign.version);
      own.add(campaign.id);
      return campaign.id;
    },
    issue(campaign: string, other: Partial<IssuerDeps> & { workerName?: string } = {}) {
      const { workerName, source: its = source(campaign, workerName), ...deps } = other;
      return runDuty((stopping) => issueTickets({ ...issuerDeps, ...deps, source: its }, stopping));
    },
    issueAll: () => runDuty((stopping) => issueTickets({ ...issuerDeps, source: openSource() }, stopping)),
    retry: (work: RetryWork = retryWork) =>
      runDuty((stopping) => workOnRetries({ url: redisUrl, onError }, work, stopping)),
    client: () => openClient(t, { gate, readGates, redis, onError }),
  };
}

/** What a client sees: the admission of a front, without its listener. */
function openClient(
  t: TestContext,
  deps: Pick<Duties, 'gate' | 'readGates' | 'redis'> & { onError: (error: unknown) => void },
) {
  const stopping = new AbortController();
  const told = {
    ...createFrontReaders(deps.redis),
    findEnd: async () => undefined,
    exists: () => false,
    onFound: () => undefined,
  };
  const campaigns = createCampaigns({ ...deps, ...told });
  const reading = campaigns.keepReading(stopping.signal);
  t.onTestFinished(() => {
    stopping.abort();
    return reading;
  });
  const joins = createJoins({ gate: deps.gate, campaigns });
  const tickets = createTickets({
    gate: deps.gate,
    campaigns,
    ticketKeys,
    couponKey,
    findTicket: async () => ({ status: 'lost' }),
    durability: 'disk',
    pollsPerSecond: 0,
  });
  const poll = async (ticket: string, user?: string) => (await tickets.status(tickets.hold(ticket)!, user))!;
  return {
    /** The tickets of these users, all admitted; who is told that the outcome is unknown, or the gate too slow, asks again. */
    async admit(campaign: string, users: string[], traceparent = ''): Promise<string[]> {
      // As a front hears of each campaign that is made: it is no guess.
      campaigns.expectVersion(campaign, 0);
      const answers = await Promise.all(
        users.map((user) => untilAnswered(() => decided(joins.join(campaign, user, traceparent)))),
      );
      return answers.map((answer) => {
        const { decision, memory, tag } = answer!;
        if (decision.kind !== 'admitted' && decision.kind !== 'known') {
          throw new Error(`a user was not admitted: ${decision.kind}`);
        }
        return tickets.handOut(memory, decision, tag).ticket;
      });
    },
    /** Asks once: throws what a front would answer with a 503. */
    join: (campaign: string, user: string) => joins.join(campaign, user, ''),
    poll,
    untilStatus: (ticket: string, status: string, withinMs = DEADLINE_MS) =>
      until(`a ticket that is ${status}`, withinMs, async () => {
        const body = await poll(ticket);
        return body.status === status ? body : undefined;
      }),
  };
}

/** On a machine that is busy with other tests a gate may be too slow; a buyer is told to ask again then. */
async function decided(asked: ReturnType<Joins['join']>): Promise<JoinAnswer | undefined> {
  const answer = await asked;
  if (answer?.decision.kind === 'expired')
    throw new Fault('redis-unavailable', 'the gate was too slow', { retryable: true });
  return answer;
}

async function untilAnswered<T>(ask: () => T | Promise<T>): Promise<T> {
  const giveUpAt = Date.now() + DEADLINE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isFault(error) || !error.retryable || Date.now() > giveUpAt) throw error;
      await pause(50);
    }
  }
}

/** `user-<from>` to `user-<to>`. */
export const users = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `user-${from + index}`);

export const codeOf = (campaign: string, unit: number, user: string): string =>
  couponCode(couponKey, campaign, unit, userTag(campaign, user));
