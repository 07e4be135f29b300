// The help, made from the tables that the parser uses.

import { USER_VERBS } from './end-verbs.ts';
import { LETTER_VERBS } from './letter-verbs.ts';
import { type OptionName, optionOf } from './options.ts';
import { RECONCILE_VERB } from './reconcile-verb.ts';
import { SIZE_USAGE } from './size-command.ts';
import { STATUS_VERB, TOP_VERB } from './status-verbs.ts';
import type { Verb } from './verb.ts';
import { CAMPAIGN_VERBS } from './verbs.ts';

const COMMON = [
  ['--admin-url URL', 'the admin API; default: ADMIN_URL, else http://<ADMIN_HOST>:<ADMIN_PORT>'],
  ['--json', 'print the answer of the API in one line; problems are JSON too, on standard error'],
  ['--help', 'this text; after a verb: its options'],
] as const;

const CODES = [
  ['0', 'done'],
  ['1', 'refused: the service refused the command and gave its reason'],
  ['2', 'unreachable: no service answered, or the outcome is unknown; it is safe to run the same command again'],
  ['64', 'usage: the command line is wrong, or no admin token was found; nothing was sent'],
  ['78', 'a setting is wrong; nothing was sent'],
  ['74', 'done, but the answer could not be written, for instance because the disk is full'],
] as const;

const DOCTOR_CODES = [
  ['0', 'nothing is broken; there may be warnings'],
  ['1', 'something is broken: a front or worker would refuse to start, or cannot keep a promise'],
  ['2', 'doctor could not reach Redis or the database'],
  ['64', 'usage: the command line is wrong'],
  ['78', 'a setting is wrong'],
] as const;

export function generalHelp(): string {
  return [
    'Usage: sluice campaign <verb> [<id>] [options]',
    '       sluice doctor [--json]',
    '       sluice autoscale',
    `       ${SIZE_USAGE}`,
    '       sluice token',
    '',
    ...columns(CAMPAIGN_VERBS.map((verb) => [synopsis(verb), verb.help])),
    '',
    'Usage: sluice dead-letters <verb> [options]',
    '',
    ...columns(LETTER_VERBS.map((verb) => [synopsis(verb), verb.help])),
    '',
    'Usage: sluice user <verb> <id> [options]',
    '',
    ...columns(USER_VERBS.map((verb) => [synopsis(verb), verb.help])),
    '',
    `Usage: sluice reconcile ${synopsis(RECONCILE_VERB)}`,
    '',
    `  ${RECONCILE_VERB.help}`,
    '',
    'Usage: sluice status',
    '       sluice top [options]',
    '',
    ...columns([STATUS_VERB, TOP_VERB].map(({ noun, help }) => [noun, help])),
    '',
    'Options of every verb:',
    ...columns(COMMON),
    '',
    'The admin token is ADMIN_TOKEN, else ADMIN_READ_TOKEN (enough for list and show), else adminToken in',
    '<DATA_DIR or .data>/secrets.json, where npm start keeps it. sluice token prints it.',
    '',
    'Exit codes:',
    ...columns(CODES),
    '',
    'sluice doctor checks Redis, the database and the settings without the admin API: sluice doctor --help.',
    '',
  ].join('\n');
}

export function doctorHelp(): string {
  return [
    'Usage: sluice doctor [--json]',
    '',
    'Checks Redis, the database and the settings: those of the environment (REDIS_URL, DATABASE_URL and the others), or what',
    'runs in DATA_DIR. Prints a line for each check: ok, warning, broken or unknown; what was found, what it means, what to',
    'do.',
    '',
    ...columns([['--json', '{exitCode, counts, findings: [{check, status, found, means, remedy}]} in one line']]),
    '',
    'Exit codes:',
    ...columns(DOCTOR_CODES),
    '',
  ].join('\n');
}

export function autoscaleHelp(): string {
  return [
    'Usage: sluice autoscale',
    '',
    'Runs workers on this machine, between WORKERS_MIN and WORKERS_MAX, as many as the waiting tickets call for, and never',
    'more than max_connections of the database leaves room for. Needs REDIS_URL, DATABASE_URL and COUPON_KEY, as a worker',
    'does. SIGTERM or Ctrl-C drains the workers and ends it. The settings that begin with SCALE_ say when workers are started and',
    'stopped.',
    '',
    'Exit codes:',
    ...columns([
      ['0', 'it was stopped'],
      ['1', 'a worker could not be started, or a store was not reached'],
      ['78', 'a setting is wrong'],
    ]),
    '',
  ].join('\n');
}

export function tokenHelp(): string {
  return [
    'Usage: sluice token',
    '',
    "Prints the operator's admin token, for instance for curl: ADMIN_TOKEN, else adminToken in",
    '<DATA_DIR or .data>/secrets.json. Exit code 64 when there is none.',
    '',
  ].join('\n');
}

export function verbHelp(verb: Verb): string {
  const own = [...verb.needs, ...verb.may].map((name) => {
    const { value, help } = optionOf(verb, name);
    return [`--${name} ${value}`.trim(), help];
  });
  return [`Usage: sluice ${verb.noun} ${synopsis(verb)}`, '', verb.help, '', ...columns([...own, ...COMMON]), ''].join(
    '\n',
  );
}

const TAKEN = {
  campaign: ['<id>'],
  campaigns: ['<id…>'],
  file: ['<file>'],
  user: ['<id>'],
  letter: ['<id>'],
  letters: ['[<id or ticket>…]'],
  nothing: [],
} as const;

export function synopsis(verb: Verb): string {
  const { name, takes, needs, may } = verb;
  const shown = (option: OptionName) => `--${option} ${optionOf(verb, option).value}`;
  return [
    ...(name === '' ? [] : [name]),
    ...TAKEN[takes],
    ...needs.map(shown),
    ...(may.length > 0 ? ['[options]'] : []),
  ].join(' ');
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left!.length));
  return rows.map(([left, right]) => `  ${left!.padEnd(width)}  ${right}`);
}
