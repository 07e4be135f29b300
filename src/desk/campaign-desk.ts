// Changes campaigns: the ledger first, because it is the truth; then the gate, which is its projection. A crash between
// the two leaves `projected_version` behind, and the janitor projects again.
import {
  type Campaign,
  type CampaignPatch,
  type CampaignSpec,
  type Phase,
  phaseOf,
  type StoredCampaign,
} from '../domain/campaign.ts';
import { neverHadGate } from '../domain/campaign-life.ts';
import { backlogOf, type GateView, gateTime } from '../domain/gate-view.ts';
import type { Gate, ReadGates } from '../gate/port.ts';

/** What the desk needs of the ledger. */
export interface CampaignStore {
  create(spec: CampaignSpec, actor: string): Promise<{ created: boolean; campaign: StoredCampaign }>;
  /** Whether it was created before with the same spec; throws what `create` would throw. */
  wasCreated(spec: CampaignSpec, actor: string): Promise<boolean>;
  get(id: string): Promise<StoredCampaign | undefined>;
  change(id: string, patch: CampaignPatch, actor: string): Promise<StoredCampaign>;
  setState(id: string, state: Campaign['state'], actor: string): Promise<StoredCampaign>;
  /** `added` is 0 when the key was used before. */
  addStock(id: string, add: number, key: string, actor: string): Promise<{ campaign: StoredCampaign; added: number }>;
  markProjected(id: string, version: number): Promise<void>;
  countIssued(id: string): Promise<number>;
  countDeadLetters(id: string): Promise<number>;
}

export interface CampaignSummary {
  campaign: StoredCampaign;
  phase: Phase;
  remaining: number;
  admitted: number;
  issued: number;
  backlog: number;
  retrying: number;
  deadLetters: number;
  /** Age of the oldest ticket that is not settled; null when there is none. */
  oldestWaitMs: number | null;
}

export interface CampaignDeskDeps {
  store: CampaignStore;
  gate: Pick<Gate, 'project'>;
  readGates: ReadGates;
  readOldestWaitMs: (view: GateView) => Promise<number | null>;
  /** Hears of a version as soon as the ledger has it, before the gate. */
  onChanged: (id: string, version: number) => void;
  onError: (error: unknown) => void;
}

export type CampaignDesk = ReturnType<typeof createCampaignDesk>;

/** Every method throws a Fault: `not-found`, `conflict`, `invalid`, `ledger-unavailable`. */
export function createCampaignDesk(deps: CampaignDeskDeps) {
  const { store } = deps;
  const projected = async (campaign: StoredCampaign): Promise<StoredCampaign> => {
    deps.onChanged(campaign.id, campaign.version);
    // The change stands in the ledger whether or not Redis takes it now.
    const isInGate = await projectCampaign(deps, campaign).catch(deps.onError);
    return isInGate ? { ...campaign, projectedVersion: campaign.version } : campaign;
  };
  return {
    async create(spec: CampaignSpec, actor: string) {
      const { created, campaign } = await store.create(spec, actor);
      return { created, campaign: await projected(campaign) };
    },
    wasCreated: (spec: CampaignSpec, actor: string) => store.wasCreated(spec, actor),
    get: (id: string) => store.get(id),
    change: async (id: string, patch: CampaignPatch, actor: string) => projected(await store.change(id, patch, actor)),
    setState: async (id: string, state: Campaign['state'], actor: string) =>
      projected(await store.setState(id, state, actor)),
    addStock: async (id: string, add: number, idempotencyKey: string, actor: string) => {
      const { campaign, added } = await store.addStock(id, add, idempotencyKey, actor);
      return { campaign: await projected(campaign), added };
    },

    async summary(campaign: StoredCampaign): Promise<CampaignSummary> {
      const [[view], issued, deadLetters] = await Promise.all([
        deps.readGates([campaign.id]),
        store.countIssued(campaign.id),
        store.countDeadLetters(campaign.id),
      ]);
      const remaining = view?.remaining ?? 0;
      return {
        campaign,
        phase: phaseOf(campaign, remaining, view === undefined ? Date.now() : gateTime(view, view.readAt)),
        remaining,
        admitted: view?.seq ?? 0,
        issued,
        backlog: view === undefined ? 0 : backlogOf(view),
        retrying: view?.retryingCount ?? 0,
        deadLetters,
        oldestWaitMs: view === undefined ? null : await deps.readOldestWaitMs(view),
      };
    },
  };
}

/**
 * Brings the gate to the campaign's version. True when the gate has it; false when the gate is lost: then it stays
 * closed, because an empty one in its place would sell the stock again.
 */
export async function projectCampaign(
  deps: { store: Pick<CampaignStore, 'markProjected'>; gate: Pick<Gate, 'project'> },
  campaign: StoredCampaign,
): Promise<boolean> {
  if (campaign.projectedVersion >= campaign.version) return true;
  const answer = await deps.gate.project(campaign, neverHadGate(campaign));
  if (answer === 'missing') return false;
  await deps.store.markProjected(campaign.id, campaign.version);
  return true;
}
