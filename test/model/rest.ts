// Bringing a service to rest: nothing goes wrong any more, everybody asks as clients are told to, and time passes until
// nothing is left to do.
import { keyOfCampaign } from '../faults/checker/names.ts';
import { CAMPAIGN } from './clients.ts';
import type { Service } from './service.ts';

export interface Rest {
  /** False when it never came. */
  reached: boolean;
  /** What was still going on when the model gave up. */
  unrest: string[];
  steps: number;
}

const ROUNDS_MAX = 25;
/** Workers look at the gate of a campaign that was declared drained once in ten minutes. */
const DRAINED_ROUNDS_MAX = 600;
/** Rounds in a row without anything to do, until it is called rest. */
const CALM_ROUNDS = 3;
/**
 * When the operator repairs a campaign whose ledger was put back, as the runbook says: once its gate is open. While a lease
 * of somebody who did not get to end it stands, the answer is 409, and the operator asks again.
 */
const REPAIR_ROUND = 5;
const ROUND_MS = 1_100;
/** Effects of one round. */
const EFFECTS_MAX = 240;
/** The same in a slow run, where timers come due faster than their effects are done. */
const SLOW_EFFECTS_MAX = 60;

export async function comeToRest(service: Service): Promise<Rest> {
  const { world } = service;
  const from = world.stepCount;
  world.holdFor = () => 0;
  service.stores.redis.clockOffsetMs = 0;
  for (const name of service.plan.processes) await service.start(name);
  for (const actor of world.actors.values()) {
    actor.asleepUntil = 0;
    actor.clockOffsetMs = 0;
  }
  service.stores.ledger.refusedUsers.clear();
  const wasPutBack = service.trace.includes('ledger put-back');
  const repair = repairOf(service);
  let calmCount = 0;
  let unrest: string[] = [];
  let roundsMax = ROUNDS_MAX;
  for (let round = 0; round < roundsMax; round += 1) {
    if (service.stores.ledger.contents().get('campaigns')![0]!.drained_at !== null) roundsMax = DRAINED_ROUNDS_MAX;
    if (wasPutBack && round >= REPAIR_ROUND && !repair.isDone() && !repair.isUnderWay()) await repair.ask();
    askAsTold(service);
    await world.settle();
    await work(service);
    await passTime(service);
    await work(service);
    unrest = await unrestOf(service);
    if (wasPutBack && !repair.isDone()) unrest.push('the ledger was put back, and nothing was repaired');
    calmCount = unrest.length === 0 ? calmCount + 1 : 0;
    if (calmCount >= CALM_ROUNDS) return { reached: true, unrest, steps: world.stepCount - from };
  }
  return { reached: unrest.length === 0, unrest, steps: world.stepCount - from };
}

/** What the operator has asked for and was told since the rest began. */
function repairOf(service: Service) {
  const from = service.world.stepCount;
  let askedCount = 0;
  const told = () =>
    service.clients.toldOperator.filter(({ verb, askedAtStep }) => verb === 'repair' && askedAtStep >= from);
  return {
    ask: () => {
      askedCount += 1;
      return service.happen('operator repair f1');
    },
    isUnderWay: () => told().length < askedCount,
    isDone: () => told().some(({ status }) => status === 200),
  };
}

function askAsTold({ clients, fronts, users }: Service): void {
  const front = [...fronts.values()].find(({ actor }) => actor.alive)!;
  for (const user of users) {
    if (clients.isAsking(user) || !clients.tickets.has(user)) continue;
    clients.ask(user, 'poll', front);
  }
}

/** Everybody goes on, the longest waiting first. */
async function work(service: Service): Promise<void> {
  const { isSlow } = service.plan;
  for (let count = isSlow ? SLOW_EFFECTS_MAX : EFFECTS_MAX; count > 0; count -= 1) {
    const [first] = service.ready();
    if (first === undefined) return;
    await service.happen(`go ${first.label}`);
    if (isSlow) await fireDue(service);
  }
}

async function passTime(service: Service): Promise<void> {
  service.world.time.now += ROUND_MS;
  await fireDue(service);
}

async function fireDue({ world }: Service): Promise<void> {
  for (let count = 0; count < 200; count += 1) {
    const timer = world.time.next();
    if (timer === undefined || world.time.firesAt(timer) > world.time.now) return;
    await world.tick();
  }
}

/** What is left to do, in words. */
async function unrestOf({ stores, clients, users }: Service): Promise<string[]> {
  const raw = stores.redis.raw;
  const gate = await raw.hgetall(keyOfCampaign(CAMPAIGN, 'gate'));
  const tables = stores.ledger.contents();
  const [campaign] = tables.get('campaigns')!;
  const unrest: string[] = [];
  // As the gate's own script asks it: that of a campaign that is done is compared only every ten minutes.
  if (gate.run_id !== (await stores.redis.run()) || gate.epoch !== String(campaign!.epoch))
    unrest.push('the gate is shut');
  if (Number(gate.seq) > Number(gate.settled)) unrest.push('tickets wait');
  if (Number(campaign!.projected_version) < Number(campaign!.version)) unrest.push('a change waits for its gate');
  if (stores.retries.all().length > 0) unrest.push('retries wait');
  if (tables.get('cancellations')!.some((row) => row.returned_at === null)) unrest.push('a unit has yet to go back');
  if (tables.get('dead_letters')!.some((row) => row.state === 'redriving')) unrest.push('a redrive is under way');
  for (const user of users) {
    if (!clients.tickets.has(user)) continue;
    const last = clients.told.findLast((told) => told.user === user && told.question === 'poll');
    const status = last?.status === 200 ? last.body.status : undefined;
    if (status === undefined || status === 'queued' || status === 'retrying') unrest.push(`${user} is not told an end`);
  }
  return unrest;
}
