// The settings that say whether tickets are carried by Kafka, where its brokers are, and who logs in there.
import { z } from 'zod';
import { filePath, fileText } from './files.ts';
import { oneOf, whole } from './scalars.ts';
import { checked, urlProblem } from './urls.ts';

/** What carries tickets from the gate to workers. */
export type Broker = 'redis' | 'kafka';

export interface KafkaAddress {
  host: string;
  port: number;
}

/** PEM texts; without `ca` the certificates that Node trusts. A `cert` has its `key`. */
export interface KafkaTls {
  ca: string | undefined;
  cert: string | undefined;
  key: string | undefined;
}

export type KafkaSasl =
  | { mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'; user: string; password: string }
  /** The token is read from its file for every login: an agent renews it there. */
  | { mechanism: 'OAUTHBEARER'; tokenFile: string };

export interface KafkaConfig {
  brokers: readonly KafkaAddress[];
  /** Of tickets, of all campaigns. */
  topic: string;
  /** Of all workers. */
  group: string;
  /** Of what was issued and cancelled, for other services; undefined where none is told. */
  issuancesTopic: string | undefined;
  /** Of the topic, when it is created; of one that is there the fewest copies. */
  partitions: number;
  replication: number;
  /** Of the topic, when it is created; of one that is there the least. */
  retentionMs: number;
  tls: KafkaTls | undefined;
  sasl: KafkaSasl | undefined;
}

const MECHANISMS = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
  oauthbearer: 'OAUTHBEARER',
} as const;

const BROKERS_FORM = 'takes host:port, several with commas between: kafka-1:9092,kafka-2:9092';

const brokers = checked((text) => {
  // Nothing of a URL: part of a password would become the name of a host.
  if (/[/?#@]/.test(text)) return BROKERS_FORM;
  return urlProblem(`kafka://${text}`);
}).transform((text) => text.split(',').map(addressOf));

function addressOf(text: string): KafkaAddress {
  const [, inBrackets, name, port = '9092'] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(text)!;
  return { host: inBrackets ?? name!, port: Number(port) };
}

const name = (form: RegExp, longest: number) =>
  z.string().regex(form, `takes 1 to ${longest} letters, digits and . _ -, other than . and ..`);
const topic = name(/^(?!\.{1,2}$)[\w.-]{1,249}$/, 249);
const group = name(/^(?!\.{1,2}$)[\w.-]{1,255}$/, 255);

export const kafkaSettings = {
  BROKER: oneOf('redis', 'kafka').default('redis'),
  KAFKA_BROKERS: brokers.optional(),
  KAFKA_TOPIC: topic.default('sluice.tickets'),
  KAFKA_GROUP: group.default('sluice-issuers'),
  KAFKA_ISSUANCES_TOPIC: topic.optional(),
  KAFKA_PARTITIONS: whole(1, 1_000).default(12),
  KAFKA_REPLICATION: whole(1, 15).optional(),
  KAFKA_RETENTION_HOURS: whole(1, 87_600).default(168),
  KAFKA_TLS: oneOf('on', 'off').default('off'),
  KAFKA_CA_FILE: fileText.optional(),
  KAFKA_CERT_FILE: fileText.optional(),
  KAFKA_KEY_FILE: fileText.optional(),
  KAFKA_SASL: oneOf('off', 'plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer').default('off'),
  KAFKA_USER: z.string().optional(),
  KAFKA_PASSWORD: z.string().optional(),
  KAFKA_TOKEN_FILE: filePath.optional(),
};

export type KafkaSettings = z.output<z.ZodObject<typeof kafkaSettings>>;

/** Copies of the topic on different brokers: of production as many as lose one without a pause. */
const REPLICATION = { local: 1, production: 3 };

/** Undefined without KAFKA_BROKERS. `profile` is SLUICE_PROFILE. */
export function kafkaOf(env: KafkaSettings, profile: keyof typeof REPLICATION): KafkaConfig | undefined {
  if (env.KAFKA_BROKERS === undefined) return undefined;
  return {
    brokers: env.KAFKA_BROKERS,
    topic: env.KAFKA_TOPIC,
    group: env.KAFKA_GROUP,
    issuancesTopic: env.KAFKA_ISSUANCES_TOPIC,
    partitions: env.KAFKA_PARTITIONS,
    replication: env.KAFKA_REPLICATION ?? REPLICATION[profile],
    retentionMs: env.KAFKA_RETENTION_HOURS * 3_600_000,
    tls:
      env.KAFKA_TLS === 'on'
        ? { ca: env.KAFKA_CA_FILE, cert: env.KAFKA_CERT_FILE, key: env.KAFKA_KEY_FILE }
        : undefined,
    sasl: saslOf(env),
  };
}

function saslOf(env: KafkaSettings): KafkaSasl | undefined {
  if (env.KAFKA_SASL === 'off') return undefined;
  const mechanism = MECHANISMS[env.KAFKA_SASL];
  if (mechanism === 'OAUTHBEARER') return { mechanism, tokenFile: env.KAFKA_TOKEN_FILE! };
  return { mechanism, user: env.KAFKA_USER!, password: env.KAFKA_PASSWORD! };
}

type Name = keyof KafkaSettings;

interface Reading {
  values: Partial<KafkaSettings>;
  given: ReadonlySet<string>;
}

/** What does not go together. With the broker `redis` they may all be there, for a switch of brokers in either direction. */
export function kafkaProblems(reading: Reading, isProduction: boolean): string[] {
  return [
    ...(reading.values.BROKER === 'kafka' ? needed(reading, 'BROKER=kafka', 'KAFKA_BROKERS') : []),
    ...(reading.given.has('KAFKA_ISSUANCES_TOPIC') ? needed(reading, 'KAFKA_ISSUANCES_TOPIC', 'KAFKA_BROKERS') : []),
    ...sameTopic(reading),
    ...tlsProblems(reading),
    ...saslProblems(reading, isProduction),
  ];
}

function sameTopic({ values: env }: Reading): string[] {
  if (env.KAFKA_ISSUANCES_TOPIC === undefined || env.KAFKA_ISSUANCES_TOPIC !== env.KAFKA_TOPIC) return [];
  return ['KAFKA_ISSUANCES_TOPIC: has the same value as KAFKA_TOPIC, which holds user ids; set another name'];
}

function tlsProblems(reading: Reading): string[] {
  const { values: env, given } = reading;
  if (env.KAFKA_TLS === 'off')
    return useless(reading, 'KAFKA_TLS=on', 'KAFKA_CA_FILE', 'KAFKA_CERT_FILE', 'KAFKA_KEY_FILE');
  return [
    ...(given.has('KAFKA_CERT_FILE') ? needed(reading, 'KAFKA_CERT_FILE', 'KAFKA_KEY_FILE') : []),
    ...(given.has('KAFKA_KEY_FILE') ? needed(reading, 'KAFKA_KEY_FILE', 'KAFKA_CERT_FILE') : []),
  ];
}

function saslProblems(reading: Reading, isProduction: boolean): string[] {
  const { KAFKA_SASL: sasl, KAFKA_TLS: tls } = reading.values;
  if (sasl === undefined) return [];
  if (sasl === 'off') return useless(reading, 'KAFKA_SASL', 'KAFKA_USER', 'KAFKA_PASSWORD', 'KAFKA_TOKEN_FILE');
  const isToken = sasl === 'oauthbearer';
  const isShown = isProduction && tls === 'off' && (isToken || sasl === 'plain');
  return [
    ...(isToken
      ? [
          ...needed(reading, 'KAFKA_SASL=oauthbearer', 'KAFKA_TOKEN_FILE'),
          ...useless(reading, 'KAFKA_SASL=plain or scram-sha-…', 'KAFKA_USER', 'KAFKA_PASSWORD'),
        ]
      : [
          ...needed(reading, `KAFKA_SASL=${sasl}`, 'KAFKA_USER', 'KAFKA_PASSWORD'),
          ...useless(reading, 'KAFKA_SASL=oauthbearer', 'KAFKA_TOKEN_FILE'),
        ]),
    ...(isShown
      ? [
          `KAFKA_SASL: ${sasl} needs KAFKA_TLS=on in production; without it anyone on the network could read the ${isToken ? 'token' : 'password'}`,
        ]
      : []),
  ];
}

const needed = ({ given }: Reading, by: string, ...names: Name[]): string[] =>
  names.filter((name) => !given.has(name)).map((name) => `${name}: ${by} needs it, and it is not set`);

const useless = ({ given }: Reading, without: string, ...names: Name[]): string[] =>
  names.filter((name) => given.has(name)).map((name) => `${name}: has no effect without ${without}`);
