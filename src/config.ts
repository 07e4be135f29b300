// The only reader of the environment. Every setting has a default, bounds and a row in the README; all problems are
// reported at once, before anything opens.
import { z } from 'zod';
import { type Identity, identityOf, identityProblems, identitySettings } from './config/identity.ts';
import { redisCa, redisUrl } from './config/redis.ts';
import { ticketKeys } from './config/ticket-keys.ts';
import { DURABILITIES, type Durability, waitsForReplica } from './domain/durability.ts';
import { urlOf } from './domain/listen-address.ts';
import type { TicketKeys } from './domain/ticket.ts';
import { limits } from './limits.ts';

const port = (preset: number) => z.coerce.number().int().min(0).max(65_535).default(preset);
const count = (preset: number, min: number, max: number) => z.coerce.number().int().min(min).max(max).default(preset);
const token = z.string().regex(/^[A-Za-z0-9._~+/-]{16,}=*$/, 'takes at least 16 letters, digits and . _ ~ + / -');
const hexKey = z.string().regex(/^[0-9a-f]{64}$/i, 'takes 64 hex digits (32 bytes)');

const schema = z.object({
  SLUICE_PROFILE: z.enum(['local', 'production']).default('local'),
  DATA_DIR: z.string().min(1).default('.data'),
  REDIS_URL: redisUrl.optional(),
  REDIS_CA_FILE: redisCa.optional(),
  DATABASE_URL: z
    .string()
    .regex(/^(mysql|mariadb):\/\//, 'takes mysql://user:password@host:port/database')
    .optional(),
  HOST: z.string().default('127.0.0.1'),
  PORT: port(8080),
  ADMIN_HOST: z.string().default('127.0.0.1'),
  ADMIN_PORT: port(8081),
  ADMIN_TOKEN: token.optional(),
  ADMIN_READ_TOKEN: token.optional(),
  ADMIN_URL: z.url({ protocol: /^https?$/, error: 'takes http:// or https://' }).optional(),
  TELEMETRY: z.enum(['on', 'off']).default('on'),
  TELEMETRY_HOST: z.string().default('127.0.0.1'),
  TELEMETRY_PORT: port(9464),
  TRACE_RATIO: z.coerce.number().min(0).max(1).default(0.01),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url().optional(),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  WORKERS: count(1, 0, 32),
  WORKER_NAME: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/)
    .optional(),
  WORKER_CONNECTIONS: count(8, 1, 64),
  RECOVERY_GRACE_MS: count(limits.recoveryGraceMs, 0, 600_000),
  CLAIM_IDLE_MS: count(limits.claimIdleMs, 1_000, 600_000),
  DRAIN_NOTICE_MS: z.coerce.number().int().min(0).max(120_000).optional(),
  DURABILITY: z.enum(DURABILITIES).default('disk'),
  TICKET_KEYS: ticketKeys.optional(),
  COUPON_KEY: hexKey.optional(),
  ...identitySettings,
  JOINS_PER_ADDRESS_PER_SECOND: count(200, 0, 100_000),
  JOINS_PER_USER_PER_SECOND: count(5, 0, 1_000),
  POLLS_PER_CLIENT_PER_SECOND: count(20, 0, 10_000),
});

export type Profile = 'local' | 'production';

export interface Config {
  profile: Profile;
  dataDir: string;
  redisUrl: string | undefined;
  /** Certificates (PEM) to trust with `rediss`. */
  redisCa: string | undefined;
  databaseUrl: string | undefined;
  front: { host: string; port: number };
  admin: { host: string; port: number; token: string | undefined; readToken: string | undefined };
  telemetry: { on: boolean; host: string; port: number; traceRatio: number; otlpEndpoint: string | undefined };
  logLevel: string;
  workers: {
    count: number;
    name: string | undefined;
    connections: number;
    claimIdleMs: number;
    recoveryGraceMs: number;
  };
  /** How long a front that was asked to end serves on, so that its balancer hears of it first. */
  drainNoticeMs: number;
  durability: Durability;
  ticketKeys: TicketKeys | undefined;
  couponKey: Buffer | undefined;
  /** Who may say who asks: exactly one source. */
  identity: Identity;
  /** Addresses and networks whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[];
  clientLimits: { joinsPerSecond: number; joinsPerAddressPerSecond: number; pollsPerSecond: number };
  /** The environment for a process started by this one, with `settings` added or replaced. */
  childEnvironment(settings: Record<string, string>): Record<string, string | undefined>;
}

/** Exit code of a process whose configuration is wrong (EX_CONFIG of sysexits.h). */
const EXIT_CONFIG = 78;

export class ConfigError extends Error {}

type SettingName = keyof typeof schema.shape;

/** Settings a kind of process has no default for: never, or in production, where a secret made at start would differ. */
export interface Needs {
  always?: readonly SettingName[];
  inProduction?: readonly SettingName[];
  /** It answers buyers: in production somebody must say who they are. */
  identity?: boolean;
}

/** Every setting, defaults filled in; throws one ConfigError that lists all problems. An empty value counts as unset. */
export function readConfig(environment: Record<string, string | undefined> = process.env, needs: Needs = {}): Config {
  const parsed = schema.safeParse(given(environment));
  const problems = parsed.success ? contradictions(parsed.data, needs) : parsed.error.issues.map(describe);
  if (!parsed.success || problems.length > 0) {
    throw new ConfigError(
      `The configuration has ${problems.length} problem(s):\n${problems.map((p) => `  ${p}`).join('\n')}`,
    );
  }
  const env = parsed.data;
  return {
    profile: env.SLUICE_PROFILE,
    dataDir: env.DATA_DIR,
    redisUrl: env.REDIS_URL,
    redisCa: env.REDIS_CA_FILE,
    databaseUrl: env.DATABASE_URL,
    front: { host: env.HOST, port: env.PORT },
    admin: {
      host: env.ADMIN_HOST,
      port: env.ADMIN_PORT,
      token: env.ADMIN_TOKEN,
      readToken: env.ADMIN_READ_TOKEN,
    },
    telemetry: {
      on: env.TELEMETRY === 'on',
      host: env.TELEMETRY_HOST,
      port: env.TELEMETRY_PORT,
      traceRatio: env.TRACE_RATIO,
      otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    },
    logLevel: env.LOG_LEVEL,
    workers: {
      count: env.WORKERS,
      name: env.WORKER_NAME,
      connections: env.WORKER_CONNECTIONS,
      claimIdleMs: env.CLAIM_IDLE_MS,
      recoveryGraceMs: env.RECOVERY_GRACE_MS,
    },
    drainNoticeMs: env.DRAIN_NOTICE_MS ?? (env.SLUICE_PROFILE === 'production' ? limits.drainNoticeMs : 0),
    durability: env.DURABILITY,
    ticketKeys: env.TICKET_KEYS,
    couponKey: env.COUPON_KEY === undefined ? undefined : Buffer.from(env.COUPON_KEY, 'hex'),
    identity: identityOf(env),
    trustedProxies: env.TRUSTED_PROXIES,
    clientLimits: {
      joinsPerSecond: env.JOINS_PER_USER_PER_SECOND,
      joinsPerAddressPerSecond: env.JOINS_PER_ADDRESS_PER_SECOND,
      pollsPerSecond: env.POLLS_PER_CLIENT_PER_SECOND,
    },
    childEnvironment: (settings) => ({ ...environment, ...settings }),
  };
}

/** {@link readConfig}, or all problems on standard error and the end of the process, exit code 78. */
export function configOrExit(needs?: Needs): Config {
  try {
    return readConfig(process.env, needs);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(EXIT_CONFIG);
  }
}

const cliSettings = schema.pick({
  ADMIN_URL: true,
  ADMIN_PORT: true,
  ADMIN_TOKEN: true,
  ADMIN_READ_TOKEN: true,
  DATA_DIR: true,
});

/** Where `npx sluice` finds the admin API; throws one ConfigError that lists all problems. */
export function readCliSettings(environment: Record<string, string | undefined> = process.env) {
  const parsed = cliSettings.safeParse(given(environment));
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map(describe).join('\n'));
  const { ADMIN_URL, ADMIN_PORT, ADMIN_TOKEN, ADMIN_READ_TOKEN, DATA_DIR } = parsed.data;
  return {
    adminUrl: ADMIN_URL ?? `http://127.0.0.1:${ADMIN_PORT}`,
    adminToken: ADMIN_TOKEN,
    readToken: ADMIN_READ_TOKEN,
    dataDir: DATA_DIR,
  };
}

const rehearsalSettings = schema.pick({
  DATA_DIR: true,
  DATABASE_URL: true,
  HOST: true,
  PORT: true,
  ADMIN_HOST: true,
  ADMIN_PORT: true,
  ADMIN_URL: true,
  ADMIN_TOKEN: true,
  GATEWAY_SECRET: true,
  JWT_USER_CLAIM: true,
});

/** What the rehearsal takes from the environment; its judge shares nothing else with the service. */
export function rehearsalEnvironment(environment: Record<string, string | undefined> = process.env) {
  const parsed = rehearsalSettings.safeParse(given(environment));
  if (!parsed.success) return { environment: {}, problems: parsed.error.issues.map(describe) };
  const { HOST, PORT, ADMIN_HOST, ADMIN_PORT, ADMIN_URL, GATEWAY_SECRET, ...rest } = parsed.data;
  const urls = { PUBLIC_URL: urlOf(HOST, PORT), ADMIN_URL: ADMIN_URL ?? urlOf(ADMIN_HOST, ADMIN_PORT) };
  // During a rotation there are two, and a front takes either.
  return { environment: { ...rest, ...urls, GATEWAY_SECRET: GATEWAY_SECRET?.[0] }, problems: [] };
}

/** Names of all settings, for the README's table and its test. */
export const SETTING_NAMES: readonly string[] = Object.keys(schema.shape);

function given(environment: Record<string, string | undefined>) {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
}

function describe(issue: z.core.$ZodIssue): string {
  return `${issue.path.join('.')}: ${issue.message}`;
}

function contradictions(env: z.output<typeof schema>, { always = [], inProduction = [], identity }: Needs): string[] {
  const isProduction = env.SLUICE_PROFILE === 'production';
  const needed = isProduction ? [...always, ...inProduction] : always;
  const missing = needed.filter((name) => env[name] === undefined).map((name) => `${name}: needed here, and not set`);
  const sameTokens = env.ADMIN_READ_TOKEN !== undefined && env.ADMIN_READ_TOKEN === env.ADMIN_TOKEN;
  const alone = waitsForReplica(env.DURABILITY) && env.REDIS_URL === undefined;
  return [
    ...missing,
    ...(sameTokens ? ['ADMIN_READ_TOKEN: is ADMIN_TOKEN, so that whoever may read may also write'] : []),
    ...(alone ? [`DURABILITY: ${env.DURABILITY} needs a REDIS_URL; the private Redis has no replica`] : []),
    ...identityProblems(env, { isProduction, isNeeded: identity === true }),
  ];
}
