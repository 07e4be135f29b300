// Asks both stores at once and judges what they told.

import { phaseOf } from '../domain/campaign.ts';
import type { ServerPackage } from '../domain/server-package.ts';
import { listLiveCampaigns } from '../ledger/gated.ts';
import type { Ledger } from '../ledger/pool.ts';
import { limits } from '../process/limits.ts';
import { primariesOf, type RedisClient } from '../redis/connection.ts';
import { createWorkerReports } from '../redis/worker-reports.ts';
import { judgeClocks } from './clocks.ts';
import { judgeRedisConnections } from './connection-judgement.ts';
import { type Exposure, judgeExposure } from './exposure.ts';
import { type Fact, type Finding, factOf, judged, ok } from './finding.ts';
import { gatherGateFacts, gatherUnverified } from './gate-facts.ts';
import { judgeGates, judgeVerified, waitingOf } from './gate-judgement.ts';
import { gatherLedgerFacts, type LedgerFacts } from './ledger-facts.ts';
import { judgeLedger, type LedgerPromise } from './ledger-judgement.ts';
import { judgeOpenFiles, readOpenFilesMax } from './open-files.ts';
import { gatherRedisFacts, type RedisFacts } from './redis-facts.ts';
import { judgeRedis } from './redis-judgement.ts';
import { judgeWorkers } from './worker-judgement.ts';

export interface Patient extends LedgerPromise {
  redis: RedisClient;
  ledger: Ledger;
  /** DURABILITY, as it is written. */
  durability: string;
  exposure: Exposure;
  /** Connections that this process alone may have open: of buyers and to the stores. */
  openConnectionsWanted: number;
  /** Connections to each Redis that this process and those it starts may open. */
  redisConnectionsWanted: number;
  /** Of a private Redis, where the distribution has one. */
  redisPackage?: ServerPackage | undefined;
}

/** What a process rests on when it starts; some 20 ms on servers nearby. Never rejects. */
export async function examineServers(patient: Patient): Promise<Finding[]> {
  const {
    redis,
    ledger,
    durability,
    exposure,
    openConnectionsWanted,
    redisConnectionsWanted,
    redisPackage,
    ...promise
  } = patient;
  const [servers, ledgerFacts] = await Promise.all([
    Promise.all(primariesOf(redis).map(gatherRedisFacts)),
    gatherLedgerFacts(ledger),
  ]);
  const ofEach = servers.map((facts) => [
    ...judgeReached('redis', reachedRedis(facts), () => [
      ...judgeRedis(facts, durability, redisPackage),
      judgeRedisConnections(facts.info, redisConnectionsWanted),
    ]),
    ...judgeClocks(facts.clock, ledgerFacts.clock),
  ]);
  return [
    ...gravest(ofEach.flat()),
    ...judgeReached('ledger', reachedLedger(ledgerFacts), () => judgeLedger(ledgerFacts, promise)),
    ...judgeExposure(exposure),
    judgeOpenFiles(readOpenFilesMax(), openConnectionsWanted),
  ];
}

const GRAVITY = ['ok', 'unknown', 'warning', 'broken'];

/** Of a check made on several servers, what is worst about any of them. */
function gravest(findings: readonly Finding[]): Finding[] {
  const worst = new Map<string, Finding>();
  for (const finding of findings) {
    const known = worst.get(finding.check);
    const isWorse = known === undefined || GRAVITY.indexOf(finding.status) > GRAVITY.indexOf(known.status);
    if (isWorse) worst.set(finding.check, finding);
  }
  return [...worst.values()];
}

/** The gates of live campaigns against the ledger, and the workers that issue their tickets. Never rejects. */
export async function examineGates({ redis, ledger }: Pick<Patient, 'redis' | 'ledger'>): Promise<Finding[]> {
  const max = limits.doctorCampaignsMax;
  const live = await factOf(() => listLiveCampaigns(ledger));
  const [gates, unverified, workers] = await Promise.all([
    'untold' in live ? live : gatherGateFacts(redis, live.told.slice(0, max)),
    'untold' in live ? live : gatherUnverified(redis, live.told),
    factOf(() => createWorkerReports(redis).read()),
  ]);
  // Also where all is sold: what is given back is sold again, and a worker issues it.
  const openCount =
    'told' in live ? live.told.filter((campaign) => phaseOf(campaign, 1, Date.now()) === 'open').length : 0;
  const liveCount = 'told' in live ? live.told.length : 0;
  return [
    ...judgeGates(gates, liveCount > max),
    judgeVerified(unverified, liveCount),
    judgeWorkers(workers, 'told' in gates ? waitingOf(gates.told).count : 0, openCount),
  ];
}

/** One line in place of a dozen where nobody answers at all. */
function judgeReached(check: string, reached: Fact<string>, rest: () => Finding[]): Finding[] {
  const first = judged(check, reached, (text) => ok(check, text));
  if ('told' in reached) return [first, ...rest()];
  const words = {
    means: 'this process could not reach it',
    remedy: 'check that it runs, and that the address and password are right',
  };
  return [{ ...first, ...words }];
}

/** Any answer will do: a managed service may forbid most questions. */
function reachedRedis({ clock, info, settings, openToAll }: RedisFacts): Fact<string> {
  const facts: Fact<unknown>[] = [clock, info, settings, openToAll];
  return facts.some((fact) => 'told' in fact) ? { told: 'answers' } : (clock as { untold: string });
}

const reachedLedger = ({ clock }: LedgerFacts): Fact<string> => ('told' in clock ? { told: 'answers' } : clock);
