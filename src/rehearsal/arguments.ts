// The command line: what may be said, its bounds and defaults. One table makes the parser and the help.
import { parseArgs } from 'node:util';

export interface Arguments {
  url: string;
  adminUrl: string;
  adminToken?: string;
  databaseUrl?: string;
  buyers: number;
  stock: number;
  /** Joins per second. */
  rate: number;
  repeat: number;
  shards: number;
  poll: number;
  /** Seconds after the last join is due. */
  deadline: number;
  admissionRate?: number;
  backlogMax?: number;
  inversionMax?: number;
  seed?: string;
  json: boolean;
  quiet: boolean;
  keep: boolean;
}

export type ParsedArguments =
  | { kind: 'help'; text: string }
  | { kind: 'problems'; problems: string[] }
  | { kind: 'arguments'; arguments: Arguments };

interface Flag {
  text: string;
}
interface Value extends Flag {
  fallback?: string | number;
  /** What the help shows in place of the value. */
  value: string;
  read: (text: string) => string | number | undefined;
  expected: string;
  /** Its value is told to nobody, also when it is wrong. */
  secret?: true;
}

const url = (protocols: string[]): Pick<Value, 'value' | 'read' | 'expected' | 'secret'> => ({
  value: 'URL',
  read: (text) => (protocols.includes(URL.parse(text)?.protocol ?? '') ? text : undefined),
  expected: `a URL starting with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  // It may hold a password.
  secret: true,
});
const whole = (value: string, min: number, max: number): Pick<Value, 'value' | 'read' | 'expected'> => ({
  value,
  read: (text) => (/^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined),
  expected: `a whole number of ${value} from ${min} to ${max}`,
});
const share: Pick<Value, 'value' | 'read' | 'expected'> = {
  value: 'share',
  read: (text) => (/^(0|1|0?\.\d{1,9}|[01]\.0{1,9})$/.test(text) ? Number(text) : undefined),
  expected: 'a share from 0 to 1',
};

const VALUES: Record<string, Value> = {
  url: { ...url(['http:', 'https:']), fallback: 'http://127.0.0.1:8080', text: 'public API of the service' },
  'admin-url': { ...url(['http:', 'https:']), fallback: 'http://127.0.0.1:8081', text: 'admin API' },
  'admin-token': {
    value: 'token',
    read: (text) => (/^[\x21-\x7e]+$/.test(text) ? text : undefined),
    expected: 'printable characters',
    secret: true,
    text: 'default: ADMIN_TOKEN, else adminToken in <DATA_DIR or .data>/secrets.json',
  },
  'database-url': {
    ...url(['mysql:', 'mariadb:']),
    text: 'the ledger; default: DATABASE_URL, else databaseUrl in <DATA_DIR or .data>/services.json',
  },
  buyers: { ...whole('buyers', 1, 5_000_000), fallback: 20_000, text: 'how many come' },
  stock: { ...whole('units', 1, 10_000_000), fallback: 5_000, text: 'how many units there are' },
  rate: { ...whole('joins/s', 1, 1_000_000), fallback: 2_000, text: 'arrivals, whatever the service does (open loop)' },
  repeat: { ...share, fallback: 0.2, text: 'of the buyers send their join twice, half of them at once' },
  shards: { ...whole('shards', 1, 1024), fallback: 8, text: 'work streams of the campaign' },
  poll: { ...share, fallback: 1, text: 'of the admitted buyers follow their ticket to its end' },
  deadline: { ...whole('seconds', 1, 86_400), fallback: 120, text: 'from the last arrival until all must be issued' },
  'admission-rate': { ...whole('tickets/s', 1, 1_000_000), text: 'limit of the campaign; default: none' },
  'backlog-max': { ...whole('tickets', 1, 100_000_000), text: 'backlog bound of the campaign; default: the service’s' },
  'inversion-max': {
    ...whole('tickets', 0, 100_000_000),
    text: 'overtaking beyond this is a breach; default: only told',
  },
  seed: {
    value: 'text',
    read: (text) => (/^[A-Za-z0-9._-]{1,64}$/.test(text) ? text : undefined),
    expected: '1 to 64 of A-Z a-z 0-9 . _ -',
    text: 'names the users (<seed>-<i>) and draws their habits; default: the campaign’s id',
  },
};

const FLAGS: Record<string, Flag> = {
  json: { text: 'print the verdict as one JSON object and nothing else' },
  quiet: { text: 'no progress' },
  keep: { text: 'do not close the campaign at the end' },
  help: { text: 'this page' },
};

/** Reads `argv` (without node and script). All problems are listed at once; nothing is thrown. */
export function parseArguments(argv: string[]): ParsedArguments {
  const options = {
    ...Object.fromEntries(Object.keys(VALUES).map((name) => [name, { type: 'string' as const }])),
    ...Object.fromEntries(Object.keys(FLAGS).map((name) => [name, { type: 'boolean' as const }])),
  };
  const { values, positionals } = parseArgs({ args: argv, options, strict: false, allowPositionals: true });
  if (values.help === true) return { kind: 'help', text: helpText() };
  const problems = positionals.map((word) => `"${word}" is not understood: every argument starts with --`);
  const read: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(values)) {
    const value = Object.hasOwn(VALUES, name) ? VALUES[name] : undefined;
    if (value !== undefined) {
      read[camelCase(name)] = typeof given === 'string' ? value.read(given) : undefined;
      if (read[camelCase(name)] === undefined)
        problems.push(`--${name} must be ${value.expected}${butGot(given, value.secret)}`);
    } else if (!Object.hasOwn(FLAGS, name)) problems.push(`--${name} does not exist (see --help)`);
    else if (given === true) read[name] = true;
    else problems.push(`--${name} takes no value`);
  }
  if (problems.length > 0) return { kind: 'problems', problems };
  return { kind: 'arguments', arguments: { ...fallbacks(), ...read } as unknown as Arguments };
}

function fallbacks(): Record<string, unknown> {
  const entries = Object.entries(VALUES).filter(([, { fallback }]) => fallback !== undefined);
  const values = entries.map(([name, { fallback }]) => [camelCase(name), fallback]);
  return { ...Object.fromEntries(values), json: false, quiet: false, keep: false };
}

function butGot(given: unknown, secret = false): string {
  if (typeof given !== 'string') return ' (no value was given)';
  return secret ? '' : ` (got "${given}")`;
}

const camelCase = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

function helpText(): string {
  const rows: string[][] = [
    ...Object.entries(VALUES).map(([name, { value, text, fallback }]) => [
      `--${name} <${value}>`,
      fallback === undefined ? text : `${text}; default: ${fallback}`,
    ]),
    ...Object.entries(FLAGS).map(([name, { text }]) => [`--${name}`, text]),
  ];
  return [
    'Rehearses a sale on a scratch campaign and checks the ledger: npm run rehearse -- --buyers 20000 --stock 5000',
    '',
    ...rows.map(([name, text]) => `  ${name!.padEnd(28)} ${text}`),
    '',
    'Exit codes: 0 promises kept, 1 broken, 2 could not run, 78 bad arguments, 130 interrupted.',
  ].join('\n');
}
