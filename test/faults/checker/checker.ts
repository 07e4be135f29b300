// The verdict over a sale that was hurt: waits until everything has come to rest, then decides I1 to I7 from the
// generator's own history, the ledger and raw Redis. It shares no code with src or workers (held by test/tidy).
import type { Redis } from 'ioredis';
import type { Connection } from 'mysql2/promise';
import type { Chance } from '../chance.ts';
import type { Client } from '../crowd/client.ts';
import { poll } from '../crowd/crowd.ts';
import { type History, ticketsOf } from '../crowd/history.ts';
import { probeOwnership } from './probe.ts';
import { type Allowances, type Evidence, type Invariant, RULES } from './rules.ts';
import type { Sampler } from './sampler.ts';
import { type GateState, readGate, readLedger } from './stores.ts';

export interface Breach {
  invariant: Invariant;
  count: number;
  /** The first few, in words. */
  examples: string[];
}

export interface Verdict {
  breaches: Breach[];
  ticketCount: number;
  rowCount: number;
  letterCount: number;
  /** How long the sale took to come to rest once the crowd had gone. */
  restMs: number;
  sampleCount: number;
  ledger: Evidence['ledger'];
  gate: GateState;
}

export interface CheckDeps {
  redis: Redis;
  connect: () => Promise<Connection>;
  client: Client;
  campaign: string;
  history: History;
  sampler: Sampler;
  chance: Chance;
}

const EXAMPLES_MAX = 3;
const ENDS = new Set(['issued', 'failed', 'cancelled']);
/** Polls of one ticket that may not tell the end yet: a front finds its stores again, or reads the gate ten times a second. */
const LAST_POLLS_MAX = 20;

export async function check(deps: CheckDeps, allowed: Allowances = {}, restWithinMs = 20_000): Promise<Verdict> {
  const from = performance.now();
  const rested = await untilRest(deps, restWithinMs);
  const restMs = Math.round(performance.now() - from);
  await askForTheEnd(deps);
  const { breaches: early, sampleCount } = await deps.sampler.stop(allowed.removedEntries);
  const gate = await readGate(deps.redis, deps.campaign, true);
  if (gate === undefined) throw new Error('there is no gate: nothing can be judged');
  const connection = await deps.connect();
  const ledger = await readLedger(connection, deps.campaign).finally(() => connection.destroy());
  const evidence: Evidence = { history: deps.history, ledger, gate, allowed };
  const found: [Invariant, string[]][] = [
    ...Object.entries(RULES).map(([name, rule]): [Invariant, string[]] => [name as Invariant, rule(evidence)]),
    ['I4', early],
    ['I7', await probeOwnership(deps.client, deps.history, deps.chance)],
    ...(rested ? [] : [['I3', [`not at rest within ${restWithinMs} ms: ${restless(gate)}`]] as [Invariant, string[]]]),
  ];
  return {
    breaches: found
      .filter(([, texts]) => texts.length > 0)
      .map(([invariant, texts]) => ({ invariant, count: texts.length, examples: texts.slice(0, EXAMPLES_MAX) })),
    ticketCount: ticketsOf(deps.history).size,
    rowCount: ledger.rows.length,
    letterCount: ledger.letters.length,
    restMs,
    sampleCount,
    ledger,
    gate,
  };
}

/** `I3 ×2 (buyer-7 holds ticket 8 and has nothing to show for it; …)`, or "I1–I7 hold". */
export function tellVerdict({ breaches }: Verdict): string {
  if (breaches.length === 0) return 'I1–I7 hold';
  return breaches.map(({ invariant, count, examples }) => `${invariant} ×${count} (${examples.join('; ')})`).join(', ');
}

const isAtRest = (gate: GateState): boolean =>
  gate.seq === gate.settled && gate.retrying === 0 && gate.work.every(({ entries }) => entries.length === 0);

const restless = ({ seq, settled, retrying, work }: GateState): string =>
  `${seq - settled} in flight, ${retrying} retrying, ${work.flatMap(({ pending }) => pending).length} pending`;

async function untilRest({ redis, campaign }: CheckDeps, withinMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + withinMs;
  while (performance.now() < giveUpAt) {
    const gate = await readGate(redis, campaign, true).catch(() => undefined);
    if (gate !== undefined && isAtRest(gate)) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

/** One last poll of every ticket: what the client is left with. */
async function askForTheEnd({ client, history }: CheckDeps): Promise<void> {
  const waiting = [...ticketsOf(history)].map(([user, tickets]) => ({ user, ticket: tickets.at(-1)! }));
  const ask = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      for (let tries = 0; tries < LAST_POLLS_MAX; tries += 1) {
        const status = await poll(client, history, next.user, next.ticket);
        if (status !== undefined && ENDS.has(status)) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, ask));
}
