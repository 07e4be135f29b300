// The campaigns a front knows: read on demand, then compared again and again while clients ask for them or wait.
import { phaseOf } from '../domain/campaign.ts';
import { type SpanClock, spanClock } from '../domain/clock.ts';
import type { EndedCampaign } from '../domain/ended-campaign.ts';
import { Fault, isFault } from '../domain/fault.ts';
import { type GateView, gateTime, gateTimeErrorMs } from '../domain/gate-view.ts';
import type { ReadAdmittedTags, ReadCancelledTags, ReadChangedGates, ReadEachGate } from '../gate/port.ts';
import { pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import {
  type CampaignMemory,
  completeMemory,
  createCampaignMemory,
  isComplete,
  knowsCancelled,
  takeCancelled,
  takeReading,
  takeSilence,
} from './campaign-memory.ts';
import { createEndedCampaigns, endOf } from './ended-campaigns.ts';
import { createReadingTurns, createRotation } from './reading-turns.ts';
import { createUnknownCampaigns } from './unknown-campaigns.ts';

export interface CampaignsDeps {
  readGates: ReadEachGate;
  readChanged: ReadChangedGates;
  readAdmittedTags: ReadAdmittedTags;
  /** Whether the ledger has this campaign, as far as is known: then a gate that is not there is a lost one. No I/O. */
  exists: (id: string) => boolean;
  /** Called with a campaign that was not in memory, once its gate has been read. */
  onFound: (id: string) => void;
  /** Called with a campaign that somebody asks for and whose gate is not there. */
  onClosed?: (id: string) => void;
  readCancelledTags: ReadCancelledTags;
  /** What the ledger says of a campaign of which Redis has no gate. */
  findEnd: (id: string) => Promise<EndedCampaign | 'goes-on' | undefined>;
  /** Another than the usual one in tests. */
  now?: SpanClock;
  onError: (error: unknown) => void;
}

export interface Campaigns {
  /** What is remembered, without asking. */
  peek(id: string): CampaignMemory | undefined;
  /** The same for clients that wait: it keeps the campaign in memory, and the front reads its gate no more often for it. */
  watch(id: string): CampaignMemory | undefined;
  /** The same for a look that must not keep it in memory. */
  glance(id: string): CampaignMemory | undefined;
  /**
   * The campaign, read from its gate the first time; undefined when there is none. `isNamed` says that a signed ticket names
   * it, so that it is no guess. Throws a Fault: `archived` or `purged` for one whose gate is no more.
   */
  get(id: string, isNamed?: boolean): Promise<CampaignMemory | undefined>;
  /** Whether `get` would refuse this id as one of too many guesses: to say so costs less than to catch what it throws. */
  refusesGuess(id: string): boolean;
  /** An archived campaign, as it is remembered after `get` has thrown. */
  ended(id: string): EndedCampaign | undefined;
  /** Asks the ledger, after a gate refused a question, whether the campaign is archived; forgets its gate then. */
  hasEnded(id: string): Promise<boolean>;
  /** Forgets nothing, reads again now: after the gate said that the memory is wrong. True when there was a gate to read. */
  refresh(id: string): Promise<boolean>;
  /** Hears that the ledger has this version now: until the gate is seen with it, nobody is refused from memory. */
  expectVersion(id: string, version: number): void;
  /** Calls `listener` after every reading with the campaigns whose gate has changed. Returns how to stop it. */
  onReading(listener: (moved: readonly string[]) => void): () => void;
  /** The most that Redis's clock may be off from what is taken for it here, ms; undefined while nobody asks for a campaign. */
  clockErrorMs(): number | undefined;
  /** Reads until `stopping` aborts. */
  keepReading(stopping: AbortSignal): Promise<void>;
}

/** Campaigns without a gate of which the ledger is asked after a reading whether they have ended: some dozens a second. */
const GONE_PER_READING = 4;

export function createCampaigns(deps: CampaignsDeps): Campaigns {
  const { now: clock = spanClock } = deps;
  const memories = new Map<string, CampaignMemory>();
  const chooseReadings = createReadingTurns(memories);
  const goneInTurn = createRotation(GONE_PER_READING);
  const unknown = createUnknownCampaigns(deps.exists, clock);
  const ends = createEndedCampaigns(deps, clock);
  const loading = new Map<string, Promise<CampaignMemory | undefined>>();
  const completing = new Set<string>();
  const learning = new Set<string>();
  const listeners = new Set<(moved: readonly string[]) => void>();

  async function readOne(id: string): Promise<GateView | undefined> {
    const [view] = await deps.readGates([id]);
    if (isFault(view)) throw view;
    return view;
  }

  async function load(id: string, isNamed: boolean): Promise<CampaignMemory | undefined> {
    if (!isNamed) unknown.ask(id);
    const view = await readOne(id);
    const now = clock();
    if (view === undefined) return withoutGate(id);
    const isOnRoll = deps.exists(id);
    deps.onFound(id);
    const memory = createCampaignMemory(view, now);
    await learnCancelled(memory);
    memories.set(id, memory);
    if (!isOnRoll) forgetIfEnded(id);
    return memory;
  }

  /** An old snapshot of Redis may have brought back the gate of an archived campaign. Nobody waits for the ledger's answer. */
  const forgetIfEnded = (id: string): void => void hasEnded(id).catch(() => undefined);

  async function hasEnded(id: string): Promise<boolean> {
    const isEnded = typeof (await ends.find(id)) === 'object';
    if (isEnded) memories.delete(id);
    return isEnded;
  }

  /**
   * A gate that Redis does not have was lost, was never made, or is archived. Only the ledger can tell. Where the campaign
   * is known to have a gate nobody waits for that: should it be archived since, the next question finds that out.
   */
  async function withoutGate(id: string): Promise<undefined> {
    const asked = ends.find(id);
    if (deps.exists(id)) asked.catch(() => undefined);
    const found = deps.exists(id) ? 'goes-on' : await asked;
    if (found === 'goes-on') {
      deps.onClosed?.(id);
      throw new Fault('gate-missing', 'the gate is being recovered', { retryable: true });
    }
    if (found !== undefined) throw endOf(found);
    unknown.add(id);
    return undefined;
  }

  /** Learns who gave back since it last looked: nothing to ask while nobody did. */
  async function learnCancelled(memory: CampaignMemory): Promise<void> {
    const { view, cancelledCount: known, cancelledEpoch } = memory;
    if (knowsCancelled(memory)) return;
    const isSameGate = view.epoch === cancelledEpoch;
    // A gate that counts less than before has lost its tail.
    const from = isSameGate && view.cancelledCount > known ? known : 0;
    takeCancelled(memory, await deps.readCancelledTags(view.id, from), view);
  }

  async function readAll(): Promise<void> {
    const { moving, quiet } = chooseReadings(clock());
    const ids = [...moving, ...quiet].map(({ view }) => view.id);
    const reading = Promise.all([
      deps.readGates(moving.map(({ view }) => view.id)),
      deps.readChanged(quiet.map(({ view }) => view)),
    ]);
    const [read, compared] = await reading.catch((error: unknown) => {
      for (const memory of memories.values()) takeSilence(memory);
      throw error;
    });
    const views = [...read, ...compared];
    // A gate that cannot be read goes stale by itself and does not hide the others; an outage is told once.
    const faults = views.filter((view) => isFault(view));
    for (const fault of faults.length === ids.length ? faults.slice(0, 1) : faults) deps.onError(fault);
    const moved: string[] = [];
    const gone: string[] = [];
    for (const [index, id] of ids.entries()) {
      const memory = memories.get(id);
      const view = views[index];
      if (memory === undefined) continue;
      // A gate that is gone was lost: what is remembered refuses nobody any more, and its joins are 503, not 404. Or it is
      // archived: then it is not remembered any more, and the next question finds that out.
      if (view === undefined && !deps.exists(id)) memories.delete(id);
      else if (view === undefined || isFault(view)) {
        takeSilence(memory);
        if (view === undefined) gone.push(id);
      } else {
        if (!deps.exists(id)) forgetIfEnded(id);
        if (view !== memory.view) moved.push(id);
        takeReading(memory, view);
        complete(memory);
        if (!knowsCancelled(memory) && !learning.has(id)) {
          learning.add(id);
          void learnCancelled(memory)
            .then(() => tell([id]))
            .catch(deps.onError)
            .finally(() => learning.delete(id));
        }
      }
    }
    for (const id of goneInTurn(gone)) forgetIfEnded(id);
    tell(moved);
  }

  function tell(moved: readonly string[]): void {
    for (const listener of listeners) listener(moved);
  }

  /** Once nobody can be admitted any more, learns who was: from then on strangers are refused without a question. */
  function complete(memory: CampaignMemory): void {
    const { id, buckets, remaining } = memory.view;
    if (
      isComplete(memory) ||
      completing.has(id) ||
      phaseOf(memory.view, remaining, gateTime(memory.view, clock())) === 'open'
    )
      return;
    completing.add(id);
    completeMemory(
      memory,
      () => deps.readAdmittedTags(id, buckets),
      () => readAgain(id),
    )
      .catch(deps.onError)
      .finally(() => completing.delete(id));
  }

  async function readAgain(id: string): Promise<boolean> {
    const view = await readOne(id);
    const memory = memories.get(id);
    if (memory === undefined) return false;
    if (view === undefined) takeSilence(memory);
    else takeReading(memory, view);
    return view !== undefined;
  }

  return {
    peek(id) {
      const memory = memories.get(id);
      if (memory) memory.askedAt = clock();
      return memory;
    },
    watch(id) {
      const memory = memories.get(id);
      if (memory) memory.watchedAt = clock();
      return memory;
    },
    glance: (id) => memories.get(id),
    async get(id, isNamed = false) {
      const known = this.peek(id);
      if (known) return known;
      if (unknown.has(id)) return undefined;
      const ended = ends.peek(id);
      if (ended !== undefined) throw endOf(ended);
      const reading = loading.get(id) ?? load(id, isNamed).finally(() => loading.delete(id));
      loading.set(id, reading);
      return reading;
    },
    refusesGuess(id) {
      if (!unknown.refuses(id)) return false;
      return !memories.has(id) && !loading.has(id) && !unknown.has(id) && ends.peek(id) === undefined;
    },
    ended: (id) => ends.peek(id),
    hasEnded,
    refresh: readAgain,
    expectVersion(id, version) {
      unknown.announce(id);
      const memory = memories.get(id);
      if (memory) memory.versionMin = Math.max(memory.versionMin, version);
    },
    onReading(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    clockErrorMs() {
      const now = clock();
      const errors = [...memories.values()].map(({ view }) => gateTimeErrorMs(view, now, limits.clockDriftShare));
      return errors.length === 0 ? undefined : errors.reduce((most, one) => Math.max(most, one));
    },
    async keepReading(stopping) {
      while (!stopping.aborted) {
        await readAll().catch(deps.onError);
        await pause(limits.viewReadMs, stopping);
      }
    },
  };
}
