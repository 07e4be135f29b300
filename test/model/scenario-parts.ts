// What scenarios are made of.
import type { Plan } from './plan.ts';

export interface Scenario {
  /** What goes wrong, in one sentence. */
  name: string;
  /** The rule that it breaks, and of `known-findings.ts` the finding that it belongs to. */
  rule: string;
  finding: string;
  plan: Partial<Plan>;
  events: string[];
}

export const admitted = (user: string): string[] => [`ask ${user} join f1`, `drive f1 ${user} join`];
export const GIVE_BACK = (user: string): string[] => [`ask ${user} give-back f1`, `drive f1 ${user} give-back`];
export const REPAIR = ['operator repair f1', 'drive f1 operator repair'];
/** The front hears of what has happened to the gate. */
export const FRONT_READS = 'drive f1 front past pipeline';
/** Worker 1 has received what waits, and is about to write it. */
export const ISSUER_BEFORE_INSERT = ['drive w1 issuer until insert issuances'];
/** Worker 1 has received the ticket of u1, which the ledger refuses, and is about to write it. */
export const REFUSED_BEFORE_INSERT = ['sour u1', ...admitted('u1'), ...ISSUER_BEFORE_INSERT];
