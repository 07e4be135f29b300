// The command line of `npm run load`, and what the environment adds.
import { parseArgs } from 'node:util';
import type { Size } from '../../k6/shapes/scaled.ts';
import { SHAPES, WEEKLY } from '../../k6/shapes/shapes.ts';
import { isLoopback } from './service.ts';

export interface Arguments {
  /** A shape's name, or `weekly`. */
  what: string;
  size: Size;
  /** Where the service runs; absent when the load starts one. */
  target?: { url: string; adminUrl: string };
  adminToken?: string;
  processes?: number;
  /** Folder of the reports. */
  out: string;
  webhook?: string;
  json: boolean;
  countsOnly: boolean;
}

export type ReadArguments =
  | { kind: 'help'; text: string }
  | { kind: 'problems'; problems: string[] }
  | { kind: 'arguments'; arguments: Arguments };

export interface LoadEnvironment {
  SCALE?: string | undefined;
  LENGTH?: string | undefined;
  LOAD_WEBHOOK_URL?: string | undefined;
  ADMIN_URL?: string | undefined;
}

const OPTIONS = {
  target: { type: 'string' },
  'admin-url': { type: 'string' },
  'admin-token': { type: 'string' },
  scale: { type: 'string' },
  length: { type: 'string' },
  processes: { type: 'string' },
  out: { type: 'string' },
  webhook: { type: 'string' },
  json: { type: 'boolean' },
  'counts-only': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const PROCESSES_MAX = 16;
const SCALE_LEAST = 0.001;
const SCALE_MOST = 10;

/** Reads `argv` (without node and script). All problems are listed at once; nothing is thrown. */
export function readArguments(argv: string[], environment: LoadEnvironment): ReadArguments {
  const { values, positionals } = parseArgs({ args: argv, options: OPTIONS, strict: false, allowPositionals: true });
  if (values.help === true) return { kind: 'help', text: HELP };
  const problems: string[] = [];
  const text = (name: keyof typeof OPTIONS): string | undefined => {
    const value = values[name];
    if (value !== undefined && typeof value !== 'string') problems.push(`--${name} needs a value`);
    return typeof value === 'string' ? value : undefined;
  };
  for (const name of Object.keys(values))
    if (!Object.hasOwn(OPTIONS, name)) problems.push(`--${name} does not exist (see --help)`);
  const [what, ...further] = positionals;
  if (what === undefined || further.length > 0) problems.push(`give one of ${NAMES.join(', ')}`);
  else if (!NAMES.includes(what)) problems.push(`there is no shape "${what}": ${NAMES.join(', ')}`);
  const factor = (name: string, given: string | undefined): number => {
    if (given === undefined || given.trim() === '') return 1;
    const is = /^\d{1,2}(\.\d{1,6})?$/.test(given.trim()) ? Number(given) : Number.NaN;
    if (!(is >= SCALE_LEAST && is <= SCALE_MOST))
      problems.push(`${name} takes a number from ${SCALE_LEAST} to ${SCALE_MOST}`);
    return is;
  };
  const url = (name: string, given: string | undefined): string | undefined => {
    if (given === undefined) return undefined;
    const isUrl = /^https?:$/.test(URL.parse(given)?.protocol ?? '');
    if (!isUrl || !isLoopback(given))
      problems.push(`${name} takes an http(s) URL of this machine (127.0.0.1, localhost, [::1])`);
    return given;
  };
  const size = {
    scale: factor('SCALE', text('scale') ?? environment.SCALE),
    length: factor('LENGTH', text('length') ?? environment.LENGTH),
  };
  const target = url('--target', text('target'));
  const adminUrl = target === undefined ? undefined : url('--admin-url', text('admin-url') ?? environment.ADMIN_URL);
  const processes = wholeNumber(text('processes'), problems);
  const webhook = text('webhook') ?? environment.LOAD_WEBHOOK_URL;
  if (webhook !== undefined && !/^https?:$/.test(URL.parse(webhook)?.protocol ?? ''))
    problems.push('the webhook takes an http(s) URL');
  const adminToken = text('admin-token');
  const out = text('out') ?? '.data/load';
  if (problems.length > 0 || what === undefined) return { kind: 'problems', problems };
  return {
    kind: 'arguments',
    arguments: {
      what,
      size,
      ...(target === undefined ? {} : { target: { url: target, adminUrl: adminUrl! } }),
      ...(adminToken === undefined ? {} : { adminToken }),
      ...(processes === undefined ? {} : { processes }),
      out,
      ...(webhook === undefined ? {} : { webhook }),
      json: values.json === true,
      countsOnly: values['counts-only'] === true,
    },
  };
}

function wholeNumber(given: string | undefined, problems: string[]): number | undefined {
  if (given === undefined) return undefined;
  if (/^\d{1,2}$/.test(given) && Number(given) >= 1 && Number(given) <= PROCESSES_MAX) return Number(given);
  problems.push(`--processes takes a whole number from 1 to ${PROCESSES_MAX}`);
  return undefined;
}

const NAMES = [...SHAPES.map(({ name }) => name), 'weekly'];

const HELP = [
  'Sends a crowd of a known shape and judges it by the bars of the shape: npm run load -- peak',
  '',
  ...SHAPES.map(({ name, asks }) => `  ${name.padEnd(14)} ${asks}`),
  `  ${'weekly'.padEnd(14)} ${WEEKLY.join(', ')} one after another, with a page of plots`,
  '',
  '  --target <URL>       a service on this machine that runs already; default: the load starts one of its own',
  '  --admin-url <URL>    its admin API; default: ADMIN_URL, else http://<ADMIN_HOST>:<ADMIN_PORT>',
  '  --admin-token <text> default: ADMIN_TOKEN, else adminToken in <DATA_DIR or .data>/secrets.json',
  '  --scale <factor>     of rates, stock and acts under way; default: SCALE, else 1',
  '  --length <factor>    of durations; default: LENGTH, else 1',
  '  --processes <count>  generator processes; default: as many as the rate needs',
  '  --out <folder>       where the reports are written; default: .data/load',
  '  --webhook <URL>      gets the summary as JSON {text}; default: LOAD_WEBHOOK_URL',
  '  --counts-only        for a busy machine: bars of time are not judged, and a 503 does not fail',
  '  --json               prints the report as JSON',
  '',
  'Exit codes: 0 every bar was held, 1 a bar was broken, 2 could not run or the generators do not hold the rate, 74 output',
  'lost, 77 the service refused the admin token or the buyers (401, 403), 78 wrong arguments, 130 interrupted.',
].join('\n');
