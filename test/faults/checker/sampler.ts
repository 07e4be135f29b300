// I4 while it happens: whatever was acked at some instant has a fact at the next.
import type { Redis } from 'ioredis';
import type { Connection } from 'mysql2/promise';
import { ackedSeqs, readGate, readLedger, scheduledRetries } from './stores.ts';

export interface Sampler {
  /** Stops it; what it saw, a line each. Of `removed` entries it cannot tell whether they were acked. */
  stop: (removed?: readonly number[]) => Promise<{ breaches: string[]; sampleCount: number }>;
}

export interface SamplerDeps {
  redis: Redis;
  /** A fresh connection to the ledger. */
  connect: () => Promise<Connection>;
  campaign: string;
}

const EVERY_MS = 40;
/** A store that is away is asked again later; a sample never waits for it longer than this. */
const PATIENCE_MS = 1_500;

export function startSampler(deps: SamplerDeps): Sampler {
  const breaches = new Map<string, { seq: number; isRestored: boolean; text: string }>();
  const proven = new Set<string>();
  // What stood at a place of an earlier epoch can no longer be told once lost tickets got places again.
  let hasForgotten = false;
  let sampleCount = 0;
  let stopped = false;
  let ledger: Connection | undefined;

  async function sample(): Promise<void> {
    const gate = await readGate(deps.redis, deps.campaign, false);
    if (gate === undefined) return;
    const acked = ackedSeqs(gate).filter((seq) => !proven.has(`${gate.epoch} ${seq}`));
    sampleCount += 1;
    hasForgotten ||= gate.restored.size > 0;
    if (acked.length === 0) return;
    // In this order: a retry that ends between the two has its row by the second.
    const retries = acked.filter((seq) => gate.exceptions.get(seq) === 'retrying:');
    const scheduled = await scheduledRetries(deps.redis, deps.campaign, gate, retries);
    ledger ??= await deps.connect();
    const { rows, letters } = await readLedger(ledger, deps.campaign);
    const told = [...rows, ...letters];
    const facts = new Set([...told.map(({ seq }) => `${seq}`), ...told.map(({ epoch, seq }) => `${epoch} ${seq}`)]);
    const units = new Set(rows.map(({ unit }) => `issued:${unit}`));
    for (const seq of acked) {
      const outcome = gate.exceptions.get(seq) ?? '';
      // A place that was given to a lost ticket is settled by the fact of that ticket.
      const ticket = gate.restored.get(seq);
      const fact = ticket === undefined ? `${seq}` : `${ticket.epoch} ${ticket.seq}`;
      const isTrue = facts.has(fact) || scheduled.has(seq) || units.has(outcome) || outcome.startsWith('cancelled');
      const cannotTell = hasForgotten && ticket === undefined && seq <= gate.epochAfter;
      if (isTrue || cannotTell) proven.add(`${gate.epoch} ${seq}`);
      else {
        const text = `ticket ${fact} was acked ${outcome && `as "${outcome}" `}before anything was committed`;
        breaches.set(fact, { seq, isRestored: ticket !== undefined, text });
      }
    }
  }

  const loop = (async () => {
    while (!stopped) {
      await within(PATIENCE_MS, sample()).catch(() => {
        ledger?.destroy();
        ledger = undefined;
      });
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
    ledger?.destroy();
  })();

  return {
    stop: async (removed = []) => {
      stopped = true;
      await loop;
      const untold = new Set(removed);
      const seen = [...breaches.values()].filter(({ seq, isRestored }) => isRestored || !untold.has(seq));
      return { breaches: seen.map(({ text }) => text), sampleCount };
    },
  };
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('a store is away')), ms);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
