// What the command line can ask: a noun and a verb, the options that it takes, and the request that it becomes.
import type { Option, OptionName } from './options.ts';

export type Values = Partial<Record<OptionName, string | number | boolean | null>>;

export interface Request {
  method: 'GET' | 'POST' | 'PATCH';
  path: string;
  body?: Values | Record<string, unknown>;
  idempotencyKey?: string;
}

/** What was asked, and whether the service made something new of it (201). */
export interface Done {
  request: Request;
  isNew: boolean;
}

export interface Verb {
  noun: 'campaign' | 'dead-letters' | 'reconcile' | 'user';
  name: string;
  /** What stands behind it: the id of a campaign, of a dead letter or of a user, or any number of letters' ids and tickets. */
  takes: 'campaign' | 'letter' | 'letters' | 'user' | 'nothing';
  needs: readonly OptionName[];
  may: readonly OptionName[];
  /** Options that mean something of their own to this verb. */
  own?: { readonly [Name in OptionName]?: Option };
  help: string;
  request(names: readonly string[], values: Values): Request;
  show(body: unknown, done: Done): string;
  /** The answer is a page of the list in this field: ask for the page behind `next`, or else behind the last `id`, until there is none. */
  pages?: 'campaigns' | 'deadLetters';
}
