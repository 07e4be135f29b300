// Every setting with its bounds and its default. Each has a row in the README.
import { z } from 'zod';
import { DURABILITIES } from '../domain/durability.ts';
import { limits } from '../process/limits.ts';
import { addressSettings } from './addresses.ts';
import { fileText } from './files.ts';
import { identitySettings } from './identity.ts';
import { kafkaSettings } from './kafka.ts';
import { redisUrl } from './redis.ts';
import { host, oneOf, share, whole } from './scalars.ts';
import { ticketKeys } from './ticket-keys.ts';
import { databaseUrl, httpUrl } from './urls.ts';

const port = (preset: number) => whole(0, 65_535).default(preset);
const count = (preset: number, min: number, max: number) => whole(min, max).default(preset);
const token = z.string().regex(/^[A-Za-z0-9._~+/-]{16,}=*$/, 'takes at least 16 letters, digits and . _ ~ + / -');
const hexKey = z.string().regex(/^[0-9a-f]{64}$/i, 'takes 64 hex digits (32 bytes)');

/** By name; zod's types read the text of a setting and hold its default. */
export const settings = {
  SLUICE_PROFILE: oneOf('local', 'production').default('local'),
  DATA_DIR: z.string().min(1).default('.data'),
  REDIS_URL: redisUrl.optional(),
  REDIS_CA_FILE: fileText.optional(),
  DATABASE_URL: databaseUrl.optional(),
  ...kafkaSettings,
  HOST: host.default('127.0.0.1'),
  PORT: port(8080),
  ADMIN_HOST: host.default('127.0.0.1'),
  ADMIN_PORT: port(8081),
  ADMIN_TOKEN: token.optional(),
  ADMIN_READ_TOKEN: token.optional(),
  ...addressSettings,
  KEEP_ALIVE_MS: count(limits.keepAliveMs, 1_000, 3_600_000),
  TELEMETRY: oneOf('on', 'off').default('on'),
  TELEMETRY_HOST: host.default('127.0.0.1'),
  TELEMETRY_PORT: port(9464),
  TRACE_RATIO: share.default(0.01),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl('takes http://host:port or https://host:port').optional(),
  LOG_LEVEL: oneOf('debug', 'info', 'warn', 'error', 'silent').default('info'),
  WORKERS: count(1, 0, 32),
  WORKER_NAME: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'takes 1 to 64 letters, digits and _ . -')
    .optional(),
  WORKER_CONNECTIONS: count(8, 1, 64),
  RECOVERY_GRACE_MS: count(limits.recoveryGraceMs, 0, 600_000),
  RETAIN_ENDED_HOURS: count(72, 0, 87_600),
  RETAIN_LEDGER_DAYS: count(0, 0, 36_500),
  CLAIM_IDLE_MS: count(limits.claimIdleMs, 1_000, 600_000),
  DRAIN_NOTICE_MS: whole(0, 120_000).optional(),
  DURABILITY: oneOf(...DURABILITIES).default('disk'),
  TICKET_KEYS: ticketKeys.optional(),
  COUPON_KEY: hexKey.optional(),
  SLUICE_ENVIRONMENT: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'takes 1 to 32 small letters, digits and -')
    .optional(),
  ...identitySettings,
  CONNECTIONS_PER_ADDRESS: count(limits.connectionsPerAddress, 0, 100_000),
  TICKETS_NEED_USER: oneOf('on', 'off').optional(),
  JOINS_PER_ADDRESS_PER_SECOND: count(200, 0, 100_000),
  JOINS_PER_USER_PER_SECOND: count(5, 0, 1_000),
  POLLS_PER_CLIENT_PER_SECOND: count(20, 0, 10_000),
};

export type SettingName = keyof typeof settings;
export type Settings = z.output<z.ZodObject<typeof settings>>;
