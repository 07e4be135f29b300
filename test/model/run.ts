// One run: a random walk over what can happen, then rest without any more trouble, then judgement.
import { between, chanceOf, oneOf } from '../faults/chance.ts';
import { type Finding, judge } from './checker.ts';
import { type Plan, planOf } from './plan.ts';
import { comeToRest } from './rest.ts';
import { Service } from './service.ts';
import type { Stage } from './stage.ts';

export interface Run {
  plan: Plan;
  /** Everything that happened before the rest, by its name. */
  trace: string[];
  /** What it needed to come to rest. */
  restSteps: number;
  findings: Finding[];
  errors: string[];
}

export const runSeed = (stage: Stage, seed: string): Promise<Run> => {
  const plan = planOf(seed);
  return run(stage, plan, (service) => walk(service, plan));
};

/** The same events again, as far as they are possible: for a trace that was cut short, or one that was written by hand. */
export const replay = (stage: Stage, plan: Plan, events: readonly string[]): Promise<Run> =>
  run(stage, plan, async (service) => {
    for (const event of events) await service.happen(event);
  });

async function run(stage: Stage, plan: Plan, live: (service: Service) => Promise<void>): Promise<Run> {
  const service = new Service(plan, stage.redis, stage.ledger);
  service.world.time.install();
  try {
    await service.open();
    await live(service);
    const trace = [...service.trace];
    const rest = await comeToRest(service);
    const findings = await judge(service, trace, rest);
    return { plan, trace, restSteps: rest.steps, findings, errors: service.errors };
  } finally {
    for (const actor of service.world.actors.values()) service.world.crash(actor);
    service.world.time.uninstall();
  }
}

const BACKGROUND = / (front|janitor|finisher): | issuer: (select campaigns|pipeline)/;

async function walk(service: Service, plan: Plan): Promise<void> {
  const { world } = service;
  const chance = chanceOf(`walk ${plan.seed}`);
  world.holdFor = (label) => {
    const share = plan.held?.test(label) ? 0.6 : plan.heldShare;
    return chance() < share ? between(chance, 1, plan.heldMax) : 0;
  };
  const weightSum = plan.events.reduce((sum, [, weight]) => sum + weight, 0);
  const pickEvent = (): string => {
    let left = chance() * weightSum;
    for (const [event, weight] of plan.events) {
      left -= weight;
      if (left <= 0) return event;
    }
    return 'tick';
  };
  /** What somebody waits for comes before what is done every second anyway. */
  const pickEffect = (labels: string[]): string => {
    const busy = labels.filter((label) => !BACKGROUND.test(label));
    return oneOf(chance, busy.length > 0 && chance() < 0.8 ? busy : labels);
  };
  for (const event of plan.prelude) await service.happen(event);
  while (world.stepCount < plan.steps) {
    const ready = service.ready();
    const free = ready.filter(({ heldUntil }) => heldUntil <= world.stepCount);
    const among = free.length > 0 ? free : ready;
    if (chance() < plan.eventShare) await service.happen(pickEvent());
    else if (among.length === 0 || chance() < 0.08) await service.happen('tick');
    else {
      const label = pickEffect(among.map((effect) => effect.label));
      const isLost = chance() < plan.lostShare;
      await service.happen(`${isLost ? (chance() < 0.5 ? 'lose' : 'refuse') : 'go'} ${label}`);
    }
  }
}
