// The only reader of the environment. Every setting has a default, bounds and a row in the README; all problems are
// reported at once, before anything opens.

import type { AutoRedrivePolicy } from '../domain/auto-redrive.ts';
import type { Durability } from '../domain/durability.ts';
import { urlOf } from '../domain/listen-address.ts';
import type { TicketKeys } from '../domain/ticket.ts';
import type { ScaleRules } from '../domain/worker-scale.ts';
import { limits } from '../process/limits.ts';
import { contradictions, type Needs } from './contradictions.ts';
import { type IdentityConfig, identityOf } from './identity.ts';
import { type Broker, type KafkaConfig, kafkaOf } from './kafka.ts';
import { openTelemetrySettings, type TraceSettings, traceSettings } from './opentelemetry.ts';
import { type Environment, listed, type ReadSettings, readEach } from './read.ts';
import { type SettingName, type Settings, settings } from './settings.ts';

export type Profile = 'local' | 'production';

export interface Config {
  profile: Profile;
  dataDir: string;
  redisUrl: string | undefined;
  /** Certificates (PEM) to trust with `rediss`. */
  redisCa: string | undefined;
  databaseUrl: string | undefined;
  /** What carries tickets to workers. */
  broker: Broker;
  /** Undefined without KAFKA_BROKERS; there also with the broker `redis`, for a switch of brokers. */
  kafka: KafkaConfig | undefined;
  front: { host: string; port: number };
  /** Where buyers and operators reach the listeners, a path included, where that is another address than their own. */
  publicUrl: string | undefined;
  adminUrl: string | undefined;
  /** Origins of pages that may ask the public listener. */
  corsOrigins: readonly string[];
  admin: { host: string; port: number; token: string | undefined; readToken: string | undefined };
  /** How long the public and the admin listener keep an idle connection. */
  keepAliveMs: number;
  telemetry: {
    on: boolean;
    sdk: boolean;
    host: string;
    port: number;
    traces: TraceSettings;
    /** The campaigns that may be labels of metrics; undefined for the busiest. */
    campaigns: readonly string[] | undefined;
  };
  /** Where operators are told of what they did not ask for; undefined for nowhere. */
  notices: { webhook: { url: string; secret: Buffer | undefined } | undefined; lettersMin: number };
  logLevel: string;
  workers: {
    /** Workers that a front starts; with `scale` the most of them. */
    count: number;
    /** How many there are, by what waits; undefined for as many as `count`. */
    scale: ScaleRules | undefined;
    name: string | undefined;
    connections: number;
    claimIdleMs: number;
    recoveryGraceMs: number;
    /** When workers redrive dead letters by themselves; none unless set. */
    autoRedrive: readonly AutoRedrivePolicy[];
    /** How long after its end a campaign is archived. */
    retainEndedMs: number;
    /** How long after that it is purged; undefined for never. */
    retainLedgerMs: number | undefined;
  };
  /** How long a front that was asked to end serves on, so that its balancer hears of it first. */
  drainNoticeMs: number;
  durability: Durability;
  ticketKeys: TicketKeys | undefined;
  couponKey: Buffer | undefined;
  /** Tickets and codes of one environment are none of another; both keys above are as they were given. */
  environmentName: string | undefined;
  /** Who may say who asks: exactly one source. */
  identity: IdentityConfig;
  /** The code is shown, and a ticket taken back, only where its owner asks. */
  ticketsNeedUser: boolean;
  /** Addresses and networks whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[];
  /** Connections of one address to the public listener; 0 for no limit. */
  connectionsPerAddress: number;
  clientLimits: { joinsPerSecond: number; joinsPerAddressPerSecond: number; pollsPerSecond: number };
  /** The environment for a process started by this one, with `settings` added or replaced. */
  childEnvironment: (settings: Record<string, string>) => Record<string, string | undefined>;
}

/** Exit code of a process whose configuration is wrong (EX_CONFIG of sysexits.h). */
const EXIT_CONFIG = 78;

/** Its message lists all problems, for a person, and holds no value of a setting. */
export class ConfigError extends Error {}

/** Every setting, defaults filled in; throws one ConfigError that lists all problems. A blank value counts as unset. */
export function readConfig(environment: Environment = process.env, needs: Needs = {}): Config {
  const reading = readEach(environment, NAMES);
  const env = complete(reading, contradictions(reading, needs));
  return {
    profile: env.SLUICE_PROFILE,
    dataDir: env.DATA_DIR,
    redisUrl: env.REDIS_URL,
    redisCa: env.REDIS_CA_FILE,
    databaseUrl: env.DATABASE_URL,
    broker: env.BROKER,
    kafka: kafkaOf(env, env.SLUICE_PROFILE),
    front: { host: env.HOST, port: env.PORT },
    publicUrl: env.PUBLIC_URL,
    adminUrl: env.ADMIN_URL,
    corsOrigins: env.CORS_ORIGINS,
    admin: {
      host: env.ADMIN_HOST,
      port: env.ADMIN_PORT,
      token: env.ADMIN_TOKEN,
      readToken: env.ADMIN_READ_TOKEN,
    },
    keepAliveMs: env.KEEP_ALIVE_MS,
    telemetry: {
      on: env.TELEMETRY === 'on',
      host: env.TELEMETRY_HOST,
      port: env.TELEMETRY_PORT,
      campaigns: env.METRICS_CAMPAIGNS,
      sdk: env.OTEL_SDK_DISABLED !== 'true',
      traces: traceSettings(env),
    },
    notices: {
      webhook:
        env.NOTIFY_WEBHOOK_URL === undefined
          ? undefined
          : { url: env.NOTIFY_WEBHOOK_URL, secret: env.NOTIFY_WEBHOOK_SECRET },
      lettersMin: env.NOTIFY_DEAD_LETTERS,
    },
    logLevel: env.LOG_LEVEL,
    workers: {
      count: env.WORKERS === 'auto' ? env.WORKERS_MAX : env.WORKERS,
      scale: env.WORKERS === 'auto' ? scaleOf(env) : undefined,
      name: env.WORKER_NAME,
      connections: env.WORKER_CONNECTIONS,
      claimIdleMs: env.CLAIM_IDLE_MS,
      recoveryGraceMs: env.RECOVERY_GRACE_MS,
      retainEndedMs: env.RETAIN_ENDED_HOURS * 3_600_000,
      autoRedrive: env.AUTO_REDRIVE,
      retainLedgerMs: env.RETAIN_LEDGER_DAYS === 0 ? undefined : env.RETAIN_LEDGER_DAYS * 86_400_000,
    },
    drainNoticeMs: env.DRAIN_NOTICE_MS ?? (env.SLUICE_PROFILE === 'production' ? limits.drainNoticeMs : 0),
    durability: env.DURABILITY,
    ticketKeys: env.TICKET_KEYS,
    couponKey: env.COUPON_KEY === undefined ? undefined : Buffer.from(env.COUPON_KEY, 'hex'),
    environmentName: env.SLUICE_ENVIRONMENT,
    identity: identityOf(env),
    ticketsNeedUser: (env.TICKETS_NEED_USER ?? (identityOf(env).kind === 'header' ? 'off' : 'on')) === 'on',
    trustedProxies: env.TRUSTED_PROXIES,
    connectionsPerAddress: env.CONNECTIONS_PER_ADDRESS,
    clientLimits: {
      joinsPerSecond: env.JOINS_PER_USER_PER_SECOND,
      joinsPerAddressPerSecond: env.JOINS_PER_ADDRESS_PER_SECOND,
      pollsPerSecond: env.POLLS_PER_CLIENT_PER_SECOND,
    },
    childEnvironment: (settings) => ({ ...environment, ...settings }),
  };
}

const scaleOf = (env: Settings): ScaleRules => ({
  min: env.WORKERS_MIN,
  max: env.WORKERS_MAX,
  tickets: env.SCALE_TICKETS,
  waitMs: env.SCALE_WAIT_MS,
  calmMs: env.SCALE_CALM_MS,
  settleMs: limits.scaleSettleMs,
  connectionsEach: env.WORKER_CONNECTIONS,
  connectionsSpare: env.SCALE_SPARE_CONNECTIONS,
});

/** {@link readConfig}, or all problems on standard error and the end of the process, exit code 78. */
export function configOrExit(needs?: Needs): Config {
  try {
    const config = readConfig(process.env, needs);
    // The OpenTelemetry SDK reads its own variables, and takes blanks around a value for a part of it.
    for (const name of Object.keys(openTelemetrySettings))
      if (process.env[name] !== undefined) process.env[name] = process.env[name].trim();
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(EXIT_CONFIG);
  }
}

/** What an autoscaler without a front takes from the environment; throws one ConfigError that lists all problems. */
export const readAutoscaleConfig = (environment: Environment = process.env): Config =>
  readConfig({ ...environment, WORKERS: 'auto' }, { always: ['REDIS_URL', 'DATABASE_URL', 'COUPON_KEY'] });

/** Where `npx sluice` finds the admin API; throws one ConfigError that lists all problems. */
export function readCliSettings(environment: Environment = process.env) {
  const names = ['ADMIN_URL', 'ADMIN_HOST', 'ADMIN_PORT', 'ADMIN_TOKEN', 'ADMIN_READ_TOKEN', 'DATA_DIR'] as const;
  const { ADMIN_URL, ADMIN_HOST, ADMIN_PORT, ADMIN_TOKEN, ADMIN_READ_TOKEN, DATA_DIR } = complete(
    readEach(environment, names),
  );
  return {
    adminUrl: ADMIN_URL ?? urlOf(ADMIN_HOST, ADMIN_PORT),
    adminToken: ADMIN_TOKEN,
    readToken: ADMIN_READ_TOKEN,
    dataDir: DATA_DIR,
  };
}

/** What the rehearsal takes from the environment; its judge shares nothing else with the service. */
export function rehearsalEnvironment(environment: Environment = process.env) {
  const names = [
    ...(['DATA_DIR', 'DATABASE_URL', 'HOST', 'PORT', 'ADMIN_HOST', 'ADMIN_PORT', 'PUBLIC_URL', 'ADMIN_URL'] as const),
    ...(['ADMIN_TOKEN', 'GATEWAY_SECRET', 'JWT_USER_CLAIM'] as const),
  ];
  const { values, problems } = readEach(environment, names);
  const { HOST, PORT, ADMIN_HOST, ADMIN_PORT, PUBLIC_URL, ADMIN_URL, GATEWAY_SECRET, ...rest } = values;
  if (problems.length > 0) return { environment: {}, problems };
  const urls = {
    PUBLIC_URL: PUBLIC_URL ?? urlOf(HOST!, PORT!),
    ADMIN_URL: ADMIN_URL ?? urlOf(ADMIN_HOST!, ADMIN_PORT!),
  };
  const { DATA_DIR, DATABASE_URL, ADMIN_TOKEN, JWT_USER_CLAIM } = rest;
  const own = { DATA_DIR, DATABASE_URL, ADMIN_TOKEN, JWT_USER_CLAIM };
  // During a rotation there are two, and a front takes either.
  return { environment: { ...own, ...urls, GATEWAY_SECRET: GATEWAY_SECRET?.[0] }, problems };
}

/** What `npm run load` takes: as the rehearsal, its own three as text, and what a service of its own is started with. */
export function loadEnvironment(environment: Environment = process.env) {
  const { SCALE, LENGTH, LOAD_WEBHOOK_URL, PATH, HOME, NODE_COMPILE_CACHE } = environment;
  return {
    ...rehearsalEnvironment(environment),
    size: { SCALE, LENGTH, LOAD_WEBHOOK_URL },
    /** No setting of the caller's: a service for a load has stores of its own. */
    bare: { PATH, HOME, NODE_COMPILE_CACHE },
  };
}

const NAMES = Object.keys(settings) as SettingName[];

/** Names of all settings, for the README's table and its test. */
export const SETTING_NAMES: readonly string[] = NAMES;

/** Everything is there when nothing is wrong. */
function complete({ values, problems }: ReadSettings, further: readonly string[] = []): Settings {
  const all = [...problems, ...further];
  if (all.length > 0) throw new ConfigError(listed(all));
  return values as Settings;
}
