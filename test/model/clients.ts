// Buyers and the operator: what they ask of a front, and what they are told. They know nothing but answers.

import { type Front, OPERATOR_TOKEN } from './processes.ts';
import type { World } from './world.ts';

export const CAMPAIGN = 'model';

export type Question = 'join' | 'poll' | 'give-back';
export const OPERATOR_VERBS = [
  'pause',
  'resume',
  'close',
  'add-stock',
  'change',
  'redrive',
  'discard',
  'repair',
] as const;
export type OperatorVerb = (typeof OPERATOR_VERBS)[number];

/** One answer that a buyer heard; what was lost on the way is in no history. */
export interface Told {
  user: string;
  question: Question;
  /** That was presented; undefined for a join. */
  ticket: string | undefined;
  askedAtStep: number;
  step: number;
  status: number;
  body: {
    ticket?: string;
    status?: string;
    seq?: number;
    type?: string;
    issuance?: { code: string; unit: number };
  };
}

export interface ToldOperator {
  verb: OperatorVerb;
  askedAtStep: number;
  step: number;
  status: number;
}

const ANSWER_LOST = () => new Error('the model lost the answer of a front');

export class Clients {
  readonly told: Told[] = [];
  readonly toldOperator: ToldOperator[] = [];
  /** Texts of tickets by user, in the order in which they were heard of. */
  readonly tickets = new Map<string, string[]>();
  /** Questions under way, by user. */
  private readonly asking = new Map<string, { front: Front }>();
  private readonly world: World;
  private askedCount = 0;

  constructor(world: World) {
    this.world = world;
  }

  /** Whether this user waits for an answer of a front that may still give one. */
  isAsking(user: string): boolean {
    return this.asking.get(user)?.front.actor.alive === true;
  }

  ask(user: string, question: Question, front: Front): void {
    const ticket = this.tickets.get(user)?.at(-1);
    const path = question === 'join' ? `/v1/campaigns/${CAMPAIGN}/tickets` : `/v1/tickets/${ticket}`;
    const method = { join: 'POST', poll: 'GET', 'give-back': 'DELETE' }[question];
    const askedAtStep = this.world.stepCount;
    const asked = { front };
    this.asking.set(user, asked);
    const work = async () => {
      const response = await front.app.request(path, { method, headers: { 'x-user-id': user } });
      const body = (await response.json()) as Told['body'];
      await this.answer(front);
      this.hear({
        user,
        question,
        ticket: question === 'join' ? undefined : ticket,
        askedAtStep,
        step: this.world.stepCount,
        status: response.status,
        body,
      });
    };
    void this.world
      .run(front.actor, `${user} ${question}`, work)
      .catch(() => undefined)
      .finally(() => {
        if (this.asking.get(user) === asked) this.asking.delete(user);
      });
  }

  operate(verb: OperatorVerb, front: Front): void {
    const { path, method, body, key } = this.request(verb);
    const headers = {
      authorization: `Bearer ${OPERATOR_TOKEN}`,
      'content-type': 'application/json',
      ...(key && { 'idempotency-key': key }),
    };
    const askedAtStep = this.world.stepCount;
    const work = async () => {
      const response = await front.admin.request(path, {
        method,
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      await response.text();
      await this.answer(front);
      this.toldOperator.push({ verb, askedAtStep, step: this.world.stepCount, status: response.status });
    };
    void this.world.run(front.actor, `operator ${verb}`, work).catch(() => undefined);
  }

  private request(verb: OperatorVerb): { path: string; method: string; body?: unknown; key?: string } {
    const at = `/admin/campaigns/${CAMPAIGN}`;
    this.askedCount += 1;
    switch (verb) {
      case 'add-stock':
        return { path: `${at}/stock`, method: 'POST', body: { add: 1 }, key: `key-${this.askedCount}` };
      case 'change':
        return { path: at, method: 'PATCH', body: { name: `name ${this.askedCount}` } };
      case 'redrive':
      case 'discard':
        return { path: `/admin/dead-letters/${verb}`, method: 'POST', body: { campaign: CAMPAIGN } };
      case 'repair':
        return { path: `${at}/reconcile`, method: 'POST' };
      default:
        return { path: `${at}/${verb}`, method: 'POST' };
    }
  }

  /** The way back is one of the places where an answer is lost. */
  private answer({ actor }: Front): Promise<void> {
    const gone = { lost: ANSWER_LOST, refused: ANSWER_LOST };
    return this.world.step(actor, { ...gone, what: 'answer', effect: () => undefined });
  }

  private hear(told: Told): void {
    this.told.push(told);
    const { ticket } = told.body;
    if (told.question !== 'join' || ticket === undefined || (told.status !== 200 && told.status !== 202)) return;
    const known = this.tickets.get(told.user) ?? [];
    if (!known.includes(ticket)) this.tickets.set(told.user, [...known, ticket]);
  }
}
