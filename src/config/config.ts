// The only reader of the environment. Every setting has a default, bounds and a row in the README; all problems are
// reported at once, before anything opens.

import type { Durability } from '../domain/durability.ts';
import { urlOf } from '../domain/listen-address.ts';
import type { TicketKeys } from '../domain/ticket.ts';
import { limits } from '../process/limits.ts';
import { contradictions, type Needs } from './contradictions.ts';
import { type Identity, identityOf } from './identity.ts';
import { type Broker, type KafkaConfig, kafkaOf } from './kafka.ts';
import { type Environment, listed, type Reading, readEach } from './read.ts';
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
  /** Undefined without KAFKA_BROKERS; there also with the broker `redis`, for the topic of issuances and for a migration. */
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
  telemetry: { on: boolean; host: string; port: number; traceRatio: number; otlpEndpoint: string | undefined };
  logLevel: string;
  workers: {
    count: number;
    name: string | undefined;
    connections: number;
    claimIdleMs: number;
    recoveryGraceMs: number;
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
  identity: Identity;
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
      retainEndedMs: env.RETAIN_ENDED_HOURS * 3_600_000,
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

const NAMES = Object.keys(settings) as SettingName[];

/** Names of all settings, for the README's table and its test. */
export const SETTING_NAMES: readonly string[] = NAMES;

/** Everything is there when nothing is wrong. */
function complete({ values, problems }: Reading, further: readonly string[] = []): Settings {
  const all = [...problems, ...further];
  if (all.length > 0) throw new ConfigError(listed(all));
  return values as Settings;
}
