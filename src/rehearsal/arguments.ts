// The command line: what may be said, its bounds and defaults. One table makes the parser and the help.
import { parseArgs } from 'node:util';

export interface Arguments {
  url?: string;
  adminUrl?: string;
  adminToken?: string;
  databaseUrl?: string;
  gatewaySecretFile?: string;
  tokensFile?: string;
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
const file: Pick<Value, 'value' | 'read' | 'expected'> = {
  value: 'file',
  read: (text) => (text === '' ? undefined : text),
  expected: 'the path of a file',
};
const share: Pick<Value, 'value' | 'read' | 'expected'> = {
  value: 'share',
  read: (text) => (/^(0|1|0?\.\d{1,9}|[01]\.0{1,9})$/.test(text) ? Number(text) : undefined),
  expected: 'a share from 0 to 1',
};

const VALUES: Record<string, Value> = {
  url: { ...url(['http:', 'https:']), text: 'public API of the service; default: http://<HOST>:<PORT>' },
  'admin-url': {
    ...url(['http:', 'https:']),
    text: 'admin API; default: ADMIN_URL, else http://<ADMIN_HOST>:<ADMIN_PORT>',
  },
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
  'gateway-secret-file': {
    ...file,
    text: 'file with a GATEWAY_SECRET of the service: the rehearsal sends buyers as its gateway would; default: GATEWAY_SECRET',
  },
  'tokens-file': {
    ...file,
    text: 'file with a bearer token (JWT) on each line, one for each buyer; JWT_USER_CLAIM (sub) names their users',
  },
  buyers: { ...whole('buyers', 1, 5_000_000), fallback: 20_000, text: 'number of buyers' },
  stock: { ...whole('units', 1, 10_000_000), fallback: 5_000, text: 'units for sale' },
  rate: {
    ...whole('joins/s', 1, 1_000_000),
    fallback: 2_000,
    text: 'arrivals per second, however fast the service answers (open loop)',
  },
  repeat: { ...share, fallback: 0.2, text: 'share of buyers that send their join twice, half of them at once' },
  shards: { ...whole('shards', 1, 1024), fallback: 8, text: 'work streams of the campaign' },
  poll: { ...share, fallback: 1, text: 'share of admitted buyers that poll their ticket until it ends' },
  deadline: {
    ...whole('seconds', 1, 86_400),
    fallback: 120,
    text: 'time from the last arrival until all tickets must be issued',
  },
  'admission-rate': { ...whole('tickets/s', 1, 1_000_000), text: 'limit of the campaign; default: none' },
  'backlog-max': {
    ...whole('tickets', 1, 100_000_000),
    text: 'how many tickets of the campaign may wait to be issued; default: no limit',
  },
  'inversion-max': {
    ...whole('tickets', 0, 100_000_000),
    text: 'a ticket overtaken by more tickets than this breaks P3; default: overtaking is only measured',
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
  keep: { text: 'leave the campaign open at the end' },
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
  const problems = positionals.map((word) => `"${word}" is not an option: every argument starts with --`);
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
  if (read.gatewaySecretFile !== undefined && read.tokensFile !== undefined) {
    problems.push('--gateway-secret-file and --tokens-file exclude each other: a service has one source of identity');
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
    'Exit codes: 0 promises kept, 1 broken, 2 could not run, 74 output lost, 77 the service refused the admin token or the',
    'buyers (401, 403), 78 bad arguments or settings, 130 interrupted.',
  ].join('\n');
}
