// Reads the command line: a verb, an id, options. It lists all problems at once, and then nothing is sent.
import { parseArgs } from 'node:util';
import { CAMPAIGN_ID_RULE, isCampaignId, isUserId, USER_ID_RULE } from '../domain/ids.ts';
import { USER_VERBS } from './end-verbs.ts';
import { autoscaleHelp, doctorHelp, generalHelp, synopsis, tokenHelp, verbHelp } from './help.ts';
import { LETTER_VERBS } from './letter-verbs.ts';
import { type OptionName, optionOf } from './options.ts';
import { RECONCILE_VERB } from './reconcile-verb.ts';
import { SIZE_HELP, SIZE_USAGE, sizeText } from './size-command.ts';
import { STATUS_VERB, TOP_VERB } from './status-verbs.ts';
import type { Values, Verb } from './verb.ts';
import { CAMPAIGN_VERBS } from './verbs.ts';

export type Command =
  | { kind: 'help'; text: string }
  | { kind: 'problems'; problems: string[] }
  | { kind: 'doctor'; json: boolean }
  | { kind: 'token' }
  | { kind: 'autoscale' }
  | { kind: 'ask'; verb: Verb; names: string[]; values: Values; adminUrl: string | undefined; json: boolean };

/** By the noun that every command starts with. */
const NOUNS: Record<string, readonly Verb[]> = {
  campaign: CAMPAIGN_VERBS,
  'dead-letters': LETTER_VERBS,
  user: USER_VERBS,
};

/** A noun that is its own verb. */
const ALONE: readonly Verb[] = [RECONCILE_VERB, STATUS_VERB, TOP_VERB];

/** Pure: what `sluice …argv` would do. */
export function readCommand(argv: readonly string[]): Command {
  const [noun = '', verbName = ''] = argv;
  if (noun === 'doctor') return readDoctor(argv.slice(1));
  if (noun === 'size') return readSize(argv.slice(1));
  if (noun === 'token') return readBare('token', tokenHelp(), argv.slice(1));
  if (noun === 'autoscale') return readBare('autoscale', autoscaleHelp(), argv.slice(1));
  const alone = ALONE.find((verb) => verb.noun === noun);
  if (alone !== undefined) return readVerb(alone, argv.slice(1));
  const verbs = NOUNS[noun];
  if (verbs === undefined) {
    if (noun === '' || noun === 'help' || argv.includes('--help')) return { kind: 'help', text: generalHelp() };
    return wrong(
      `There is no command ${noun}. A command starts with campaign, dead-letters, reconcile, user, status, top, doctor, autoscale, size or token: see sluice --help.`,
    );
  }
  const verb = verbs.find(({ name }) => name === verbName);
  if (verb !== undefined) return readVerb(verb, argv.slice(2));
  if (verbName === '' || argv.includes('--help')) return { kind: 'help', text: generalHelp() };
  const names = verbs.map(({ name }) => name).join(', ');
  return wrong(`There is no verb ${verbName}. Verbs of ${noun}: ${names}.`);
}

function readDoctor(argv: string[]): Command {
  const isUnknown = (word: string) => word !== '--json' && word !== '--help';
  const unknown = argv.filter(isUnknown);
  if (unknown.length > 0) return wrong(`Unknown arguments: ${unknown.join(' ')}.`, 'Usage: sluice doctor [--json]');
  return argv.includes('--help') ? { kind: 'help', text: doctorHelp() } : { kind: 'doctor', json: argv.length > 0 };
}

function readSize(argv: string[]): Command {
  if (argv.includes('--help')) return { kind: 'help', text: `Usage: ${SIZE_USAGE}\n\n${SIZE_HELP}\n` };
  const answer = sizeText(argv);
  return 'text' in answer ? { kind: 'help', text: answer.text } : wrong(...answer.problems);
}

/** A command that takes nothing. */
function readBare(kind: 'token' | 'autoscale', text: string, argv: string[]): Command {
  if (argv.includes('--help')) return { kind: 'help', text };
  return argv.length > 0 ? wrong(`Unknown arguments: ${argv.join(' ')}.`, `Usage: sluice ${kind}`) : { kind };
}

function readVerb(verb: Verb, argv: string[]): Command {
  const names = [...verb.needs, ...verb.may];
  const string = { type: 'string' } as const;
  const boolean = { type: 'boolean', default: false } as const;
  const isSwitch = (name: OptionName) => optionOf(verb, name).isSwitch === true;
  const own = Object.fromEntries(names.map((name) => [name, isSwitch(name) ? boolean : string]));
  let parsed: ReturnType<typeof parseArgs>;
  try {
    const options = { ...own, 'admin-url': string, json: boolean, help: boolean };
    parsed = parseArgs({ args: argv, options, allowPositionals: true, tokens: true });
  } catch (error) {
    return wrong(`${(error as Error).message.split('. ')[0]}.`, `Usage: sluice ${verb.noun} ${synopsis(verb)}`);
  }
  const { values: raw, positionals, tokens = [] } = parsed;
  if (raw.help) return { kind: 'help', text: verbHelp(verb) };
  const { values, problems } = readValues(verb, names, raw);
  problems.push(
    ...repeated(tokens.flatMap((token) => (token.kind === 'option' ? token.name : []))),
    ...nameProblems(verb, positionals),
    ...(verb.check?.(positionals, values) ?? []),
    ...verb.needs
      .filter((name) => raw[name] === undefined)
      .map((name) => `--${name} ${optionOf(verb, name).value} is needed.`),
  );
  if (verb.name === 'create' && raw.burst !== undefined && !values.rate) {
    problems.push('--burst needs --rate above 0: --burst is how many joins that rate may admit at once.');
  }
  if (verb.name === 'change' && problems.length === 0 && Object.keys(values).length === 0) {
    problems.push(`Name at least one setting to change: ${names.map((name) => `--${name}`).join(', ')}.`);
  }
  const adminUrl = raw['admin-url'] as string | undefined;
  // Never with the value: who writes a password into it does not expect to read it here.
  if (adminUrl !== undefined && !isPlainAddress(adminUrl)) {
    problems.push('--admin-url takes an address such as http://127.0.0.1:8081, without user and password.');
  }
  if (problems.length > 0) return { kind: 'problems', problems };
  return { kind: 'ask', verb, names: positionals, values, adminUrl, json: raw.json === true };
}

/** The last one would count, and the others would be dropped without a word. */
const repeated = (names: readonly string[]): string[] =>
  [...new Set(names.filter((name, at) => names.indexOf(name) !== at))].map((name) => `--${name} was given twice.`);

function readValues(verb: Verb, names: readonly OptionName[], raw: Record<string, unknown>) {
  const values: Values = {};
  const problems: string[] = [];
  for (const name of names) {
    const text = raw[name] === true ? '' : raw[name];
    if (typeof text !== 'string') continue;
    const { read, expected } = optionOf(verb, name);
    const value = read(text);
    if (value === undefined) problems.push(`--${name} takes ${expected}, not ${JSON.stringify(text)}.`);
    else values[name] = value;
  }
  return { values, problems };
}

function nameProblems({ noun, name, takes }: Verb, names: string[]): string[] {
  if (takes === 'letters') {
    const isName = (text: string) => LETTER_ID.test(text) || TICKET.test(text);
    return names
      .filter((text) => !isName(text))
      .map((text) => `${JSON.stringify(text)} is neither the id of a dead letter nor a ticket.`);
  }
  if (takes === 'campaigns') return names.filter((text) => !isCampaignId(text)).map(noCampaignId);
  const [id, ...more] = takes === 'nothing' ? ['', ...names] : names;
  if (more.length > 0) return [`Unknown arguments: ${more.join(' ')}.`];
  if (takes === 'nothing') return [];
  if (id === undefined) {
    return [
      `sluice ${noun} ${name} needs ${takes === 'file' ? 'a file' : `the id of a ${takes === 'letter' ? 'dead letter' : takes}`}.`,
    ];
  }
  if (takes === 'user') return isUserId(id) ? [] : [`The id of a user takes ${USER_ID_RULE}.`];
  if (takes === 'letter')
    return LETTER_ID.test(id) ? [] : [`${JSON.stringify(id)} is not the id of a dead letter: a number such as 17.`];
  return takes === 'file' || isCampaignId(id) ? [] : [noCampaignId(id)];
}

const noCampaignId = (text: string): string =>
  `${JSON.stringify(text)} is not a campaign id: it takes ${CAMPAIGN_ID_RULE}.`;

function isPlainAddress(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.hash;
}

const LETTER_ID = /^[1-9]\d{0,14}$/;
const TICKET = /^[\w-]{20,130}\.[\w-]{22}$/;

const wrong = (...problems: string[]): Command => ({ kind: 'problems', problems });
