// Watches that every gate may sell: after Redis was away a gate is closed until it was compared with the ledger.
//
// A few gates are looked at twice a second, in turn. One that is closed is recovered, and where there are many, all are
// looked at in one read. What somebody asks for meanwhile comes first.
import { phaseOf, type StoredCampaign } from '../src/domain/campaign.ts';
import { hasGate } from '../src/domain/campaign-life.ts';
import { systemClock } from '../src/domain/clock.ts';
import { pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';
import { type ClosedGate, RecoveryQueue, type RecoveryQueueDeps, type Urgency } from './recovery-queue.ts';

export interface RecovererDeps extends RecoveryQueueDeps {
  /** Page by page. */
  liveCampaigns: () => AsyncIterable<StoredCampaign[]>;
  /** Up to `limit` campaigns with a gate behind the id `after`, also drained ones: their tickets are still asked for. */
  listGated: (page: { after: string | undefined; limit: number }) => Promise<StoredCampaign[]>;
  /** Those whose gate is not of the ledger's epoch, or not verified since its server started. */
  closedAmong: (campaigns: readonly StoredCampaign[]) => Promise<StoredCampaign[]>;
  /** Campaigns that somebody asked for while their gate was closed; each is told to one worker. */
  takeAsked: (countMax: number) => Promise<string[]>;
}

/** While something was wrong at the last look. */
const ANXIOUS_MS = 100;
/** Gates in one look, in turn, their streams, too: where there are no more campaigns, each gate every time. */
const GATES_PER_LOOK = 16;
/** All gates of live campaigns are looked at this often, in one read: 10,000 take 50 ms of Redis. */
const LOOK_AT_ALL_MS = 60_000;
/** Those of campaigns that are done this often, and after every loss: what somebody asks for is recovered sooner. */
const LOOK_AT_DONE_MS = 600_000;

/** What a look at one gate needs to know: of ten thousand campaigns a worker keeps no more. */
interface LiveGate {
  readonly id: string;
  readonly shards: number;
  /** When the ledger was asked; another one may have begun since. */
  epoch: number;
}

interface Looks {
  /** The gates of live campaigns; undefined while the ledger has to be asked for them. */
  live: readonly LiveGate[] | undefined;
  /** The place in `live` where the next look at a few gates begins. */
  turn: number;
  allDueAt: number;
  doneDueAt: number;
}

export async function recoverGates(deps: RecovererDeps, stopping: AbortSignal): Promise<void> {
  const queue = new RecoveryQueue(deps, stopping);
  const looks: Looks = { live: undefined, turn: 0, allDueAt: 0, doneDueAt: 0 };
  await Promise.all([keepLooking(deps, queue, looks, stopping), takeAsked(deps, queue, stopping)]);
  await queue.ended();
}

async function keepLooking(
  deps: RecovererDeps,
  queue: RecoveryQueue,
  looks: Looks,
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    let calm = false;
    try {
      queue.goOn();
      // While many wait for their recovery, what is wrong is known.
      if (!queue.isWaiting()) await look(deps, queue, looks, stopping);
      calm = queue.isIdle();
    } catch (error) {
      deps.onError(error);
    }
    await pause(calm ? limits.campaignLookMs : ANXIOUS_MS, stopping);
  }
}

/** What somebody asks for does not wait until the others have had their look. */
async function takeAsked(deps: RecovererDeps, queue: RecoveryQueue, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    await pause(queue.isIdle() ? limits.campaignLookMs : ANXIOUS_MS, stopping);
    try {
      const asked = await deps.takeAsked(limits.recoveriesMax);
      const found = await Promise.all(asked.map((id) => deps.find(id)));
      const gates = found.flatMap((campaign) => (campaign && hasGate(campaign) ? [{ campaign }] : []));
      queue.add(gates, () => 'asked');
    } catch (error) {
      deps.onError(error);
    }
  }
}

async function look(deps: RecovererDeps, queue: RecoveryQueue, looks: Looks, stopping: AbortSignal): Promise<void> {
  // While Redis is away the same gates are looked at again and again: the ledger is not asked for them each time.
  looks.live ??= await lookAtAll(deps, queue, looks);
  const hasClosed = await lookAtSome(deps, queue, looks, looks.live);
  if (looks.live.length <= GATES_PER_LOOK) looks.live = undefined;
  else if (hasClosed || performance.now() >= looks.allDueAt) looks.live = await lookAtAll(deps, queue, looks);
  if (hasClosed) looks.doneDueAt = 0;
  if (performance.now() < looks.doneDueAt || !queue.isQuiet()) return;
  await lookAtDone(deps, queue, stopping);
  looks.doneDueAt = performance.now() + LOOK_AT_DONE_MS;
}

/** Looks at the gates of all live campaigns, where the look at a few does not see all. Returns which they are. */
async function lookAtAll(deps: RecovererDeps, queue: RecoveryQueue, looks: Looks): Promise<LiveGate[]> {
  const live: LiveGate[] = [];
  const closed: StoredCampaign[] = [];
  for await (const page of deps.liveCampaigns()) {
    for (const { id, shards, epoch } of page) live.push({ id, shards, epoch });
    if (live.length > GATES_PER_LOOK) closed.push(...(await deps.closedAmong(page)));
  }
  queue.add(shuffled(closed), urgencyOf);
  looks.allDueAt = performance.now() + LOOK_AT_ALL_MS;
  return live;
}

/** Looks at a few gates and their streams. True when one is closed that was not known to be. */
async function lookAtSome(
  deps: RecovererDeps,
  queue: RecoveryQueue,
  looks: Looks,
  live: readonly LiveGate[],
): Promise<boolean> {
  const count = Math.min(live.length, GATES_PER_LOOK);
  const some = Array.from({ length: count }, (_, index) => live[(looks.turn + index) % live.length]!);
  looks.turn = live.length === 0 ? 0 : (looks.turn + count) % live.length;
  const unknown = some.filter(({ id }) => !queue.has(id));
  const closed = await Promise.all(unknown.map((gate) => closedAt(deps, gate)));
  const found = closed.flatMap((gate) => (gate === undefined ? [] : [gate]));
  queue.add(found, urgencyOf);
  return found.length > 0;
}

/** Undefined for a gate that is open, in whatever epoch of its campaign. */
async function closedAt({ find, stateOf }: RecovererDeps, gate: LiveGate): Promise<ClosedGate | undefined> {
  if ((await stateOf(gate)) === 'verified') return undefined;
  const campaign = await find(gate.id);
  if (campaign === undefined || !hasGate(campaign)) return undefined;
  gate.epoch = campaign.epoch;
  const state = await stateOf(campaign);
  return state === 'verified' ? undefined : { campaign, state };
}

/** Campaigns that are done, page by page: nobody waits for them but holders who ask again. */
async function lookAtDone(deps: RecovererDeps, queue: RecoveryQueue, stopping: AbortSignal): Promise<void> {
  for (let after: string | undefined; !stopping.aborted; ) {
    const page = await deps.listGated({ after, limit: limits.campaignsPerLook });
    const done = page.filter(({ drainedAt }) => drainedAt !== null);
    const closed = await deps.closedAmong(done);
    queue.add(shuffled(closed), () => 'rest');
    if (page.length < limits.campaignsPerLook) return;
    after = page.at(-1)!.id;
  }
}

/** Each worker takes them in an order of its own, so that two seldom have the same gate in hand. */
function shuffled(campaigns: readonly StoredCampaign[]): ClosedGate[] {
  const drawn = campaigns.map((campaign) => ({ campaign, at: Math.random() })).toSorted((one, two) => one.at - two.at);
  return drawn.map(({ campaign }) => ({ campaign, state: 'closed' }));
}

/** The worker's own clock will do: it decides nothing but an order. */
const urgencyOf = (campaign: StoredCampaign): Urgency =>
  phaseOf(campaign, 1, systemClock()) === 'open' ? 'open' : 'rest';
