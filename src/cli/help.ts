// The help, made from the tables that the parser uses.
import { OPTIONS, type OptionName } from './options.ts';
import { VERBS, type Verb } from './verbs.ts';

/** Exit codes: a script must be able to tell "no" from "nobody was there". */
export const EXIT = { done: 0, refused: 1, unreachable: 2, usage: 64 } as const;

const COMMON = [
  ['--admin-url URL', 'the admin API; default: ADMIN_URL, else http://127.0.0.1:<ADMIN_PORT or 8081>'],
  ['--json', 'the answer of the API as it came, in one line; problems too, on standard error'],
  ['--help', 'this text; after a verb: its options'],
] as const;

const CODES = [
  ['0', 'done'],
  ['1', 'refused: the service said no, and says why'],
  ['2', 'unreachable: no service answered, or it could not tell; the same command again is safe'],
  ['64', 'usage: the command line or a setting is wrong; nothing was sent'],
] as const;

export function generalHelp(): string {
  return [
    'Usage: sluice campaign <verb> [<id>] [options]',
    '',
    ...columns(VERBS.map((verb) => [synopsis(verb), verb.help])),
    '',
    'Options of every verb:',
    ...columns(COMMON),
    '',
    'The admin token is ADMIN_TOKEN, else ADMIN_READ_TOKEN (for list and show), else adminToken in',
    '<DATA_DIR or .data>/secrets.json, where npm start keeps it.',
    '',
    'Exit codes:',
    ...columns(CODES),
    '',
  ].join('\n');
}

export function verbHelp(verb: Verb): string {
  const own = [...verb.needs, ...verb.may].map((name) => [`--${name} ${OPTIONS[name].value}`, OPTIONS[name].help]);
  return [`Usage: sluice campaign ${synopsis(verb)}`, '', verb.help, '', ...columns([...own, ...COMMON]), ''].join(
    '\n',
  );
}

export function synopsis({ name, takesId, needs, may }: Verb): string {
  const shown = (option: OptionName) => `--${option} ${OPTIONS[option].value}`;
  const id = takesId ? ['<id>'] : [];
  return [name, ...id, ...needs.map(shown), ...(may.length > 0 ? ['[options]'] : [])].join(' ');
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left!.length));
  return rows.map(([left, right]) => `  ${left!.padEnd(width)}  ${right}`);
}
