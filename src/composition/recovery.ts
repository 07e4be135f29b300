// Opening and comparing gates, put together of the stores: a worker does it unasked, a front when an operator asks.
import type { StoredCampaign } from '../domain/campaign.ts';
import { type Durability, waitsForReplica } from '../domain/durability.ts';
import type { GateBuilder } from '../gate/port.ts';
import { createGateBuilder } from '../gate/redis/gate-builder.ts';
import { createGateContents } from '../gate/redis/gate-contents.ts';
import { createGateReader } from '../gate/redis/gate-reader.ts';
import { auditRepair } from '../ledger/audit.ts';
import { epochStore } from '../ledger/epoch-store.ts';
import type { Ledger } from '../ledger/pool.ts';
import { reconcile } from '../recovery/reconcile.ts';
import { type Recovery, recoverGate } from '../recovery/recover.ts';
import { type ReconcileReport, reportOf } from '../recovery/report.ts';
import { askingWhetherClosed } from '../recovery/still-closed.ts';
import type { RedisClient } from '../redis/connection.ts';
import type { Retries } from '../retry/port.ts';

export interface RecoveryParts {
  redis: RedisClient;
  ledger: Ledger;
  retries: Retries;
  durability: Durability;
  /** Ms after a rebuild in which only holders of lost tickets are admitted. */
  graceMs: number;
}

export interface ComposedRecovery {
  gates: GateBuilder;
  find: (campaign: string) => Promise<StoredCampaign | undefined>;
  /** Whether the gate of a campaign is closed, its streams not looked at; questions of one moment are one read. */
  isStillClosed: (campaign: string) => Promise<boolean>;
  /** What the stores differ in; undefined when there is no such campaign. */
  look: (campaign: string) => Promise<ReconcileReport | undefined>;
  /** Opens a closed gate. Undefined when nothing was to be done, or when somebody else does it. */
  recover: (campaign: string, worker: string) => Promise<Recovery | undefined>;
  /** Rebuilds a gate, open or not; false when somebody else does it, or when there is no such campaign. */
  repair: (campaign: string, actor: string) => Promise<boolean>;
}

export function composeRecovery({ redis, ledger, retries, durability, graceMs }: RecoveryParts): ComposedRecovery {
  const deps = {
    // What is promised with a replica is not built on a server that has none: it may have been replaced.
    gates: createGateBuilder(redis, waitsForReplica(durability) ? 1 : 0),
    contents: createGateContents(redis),
    readGates: createGateReader(redis),
    ledger: epochStore(ledger),
    listRetries: (campaign: string) => retries.list(campaign),
    graceMs,
  };
  return {
    gates: deps.gates,
    find: deps.ledger.get,
    isStillClosed: askingWhetherClosed(deps),
    look: async (campaign) => {
      const differences = await reconcile(deps, campaign);
      return differences && reportOf(campaign, differences);
    },
    recover: (campaign, worker) => recoverGate({ ...deps, worker }, campaign),
    repair: async (campaign, actor) => {
      // Before it begins: a rebuild that a crash cuts short was asked for all the same.
      await auditRepair(ledger, campaign, actor);
      return (await recoverGate({ ...deps, worker: actor }, campaign, true)) !== undefined;
    },
  };
}
