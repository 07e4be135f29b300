// What the command line can ask: a noun and a verb, the options that it takes, and the request that it becomes.
import type { Answer } from './answer.ts';
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

interface VerbWords {
  noun: 'campaign' | 'dead-letters' | 'reconcile' | 'status' | 'top' | 'user';
  name: string;
  /**
   * What stands behind it: the id of a campaign, of a dead letter or of a user, a file, or any number of ids of campaigns or
   * of letters' ids and tickets.
   */
  takes: 'campaign' | 'campaigns' | 'file' | 'letter' | 'letters' | 'user' | 'nothing';
  needs: readonly OptionName[];
  may: readonly OptionName[];
  /** Options that mean something of their own to this verb. */
  own?: { readonly [Name in OptionName]?: Option };
  help: string;
  /** What is wrong with these together, though each is right by itself. */
  check?(names: readonly string[], values: Values): string[];
}

/** Where standard output goes. */
export interface Terminal {
  /** False for a file or another program: then nothing is drawn over. */
  isScreen: boolean;
  hasColour: boolean;
  /** Aborts when nobody reads it any more. */
  closed: AbortSignal;
}

/** What a command of many requests works with. */
export interface Tools {
  ask: (request: Request) => Promise<Answer>;
  /** All pages of the list, as one. */
  askAll: (request: Request, field: 'campaigns') => Promise<Answer>;
  out: (text: string) => void;
  err: (text: string) => void;
  json: boolean;
  terminal: Terminal;
  /** Prints why a request was refused or not answered, and gives the exit code. */
  failed: (request: Request, answer: Exclude<Answer, { kind: 'done' }>) => number;
}

/** Does its work and resolves with the exit code. */
export type Work = (tools: Tools) => Promise<number>;

export interface ManyVerb extends VerbWords {
  work(names: readonly string[], values: Values): Work;
}

export interface SingleVerb extends VerbWords {
  /** Where these names and values mean many campaigns. */
  work?(names: readonly string[], values: Values): Work | undefined;
  request(names: readonly string[], values: Values): Request;
  show(body: unknown, done: Done): string;
  /** The answer is a page of the list in this field: ask for the page behind `next`, or else behind the last `id`, until there is none. */
  pages?: 'campaigns' | 'deadLetters';
}

export type Verb = SingleVerb | ManyVerb;
