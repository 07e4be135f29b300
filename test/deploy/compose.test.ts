import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig, SETTING_NAMES } from '../../src/config/config.ts';
import { limits } from '../../src/process/limits.ts';
import { ROOT } from '../helpers/root.ts';

interface Service {
  image: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  init?: boolean;
  profiles?: string[];
  stop_grace_period?: string;
}

interface Collector {
  receivers: { otlp: { protocols: { http: { endpoint: string } } } };
  exporters: { otlp: { endpoint: string } };
}

const SOURCES = 'otel/grafana/provisioning/datasources/prometheus.yaml';
const text = readFileSync(join(ROOT, 'compose.yaml'), 'utf8');
const guide = readFileSync(join(ROOT, 'deploy/compose.md'), 'utf8');
const compose = parse(text, { merge: true }) as { services: Record<string, Service>; volumes: Record<string, unknown> };
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.build !== undefined);

test('every service has a health check and a process 1 that reaps, and waits for the health of what it needs', () => {
  for (const [name, service] of services) {
    // What runs once and ends is never healthy.
    if (name === 'k6') expect(service.healthcheck).toBeUndefined();
    else expect(service.healthcheck?.test.length, name).toBeGreaterThan(1);
    expect(service.init, name).toBe(true);
    for (const [needed, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(compose.services, name).toHaveProperty(needed);
      expect(condition, `${name} needs ${needed}`).toBe('service_healthy');
    }
  }
});

test('every address in an environment names a service, never this machine', () => {
  const hosts = ours.flatMap(([, { environment = {} }]) =>
    Object.values(environment).flatMap((value) => /^\w+:\/\/(?:.*@)?([^:/]+)/.exec(value)?.[1] ?? []),
  );
  expect(hosts.length).toBeGreaterThan(3);
  for (const host of hosts) expect(compose.services).toHaveProperty(host);
  // What the broker says to clients on this machine is right there.
  const others = services.filter(([name]) => name !== 'kafka');
  const urls = others.flatMap(([, { environment = {} }]) => Object.values(environment)).join(' ');
  expect(urls).not.toMatch(/localhost|127\.0\.0\.1|\[::1\]/);
});

test('a broker told containers its address on this machine, or this machine its name in the network of the containers', () => {
  const { environment = {}, ports = [], profiles, healthcheck } = compose.services.kafka!;
  const byName = (text: string) =>
    Object.fromEntries(text.split(',').map((listener) => listener.split('://') as [string, string]));
  const listeners = byName(environment.KAFKA_LISTENERS!);
  const advertised = byName(environment.KAFKA_ADVERTISED_LISTENERS!);
  // Inside by the name of the service, outside by the port that is published; each where the broker listens.
  expect(advertised).toEqual({ PLAINTEXT: 'kafka:19092', PLAINTEXT_HOST: 'localhost:9092' });
  for (const [name, address] of Object.entries(advertised)) expect(address).toContain(listeners[name]);
  expect(ports).toEqual(['127.0.0.1:9092:9092']);
  expect(environment.KAFKA_INTER_BROKER_LISTENER_NAME).toBe('PLAINTEXT');
  expect(environment.KAFKA_AUTO_CREATE_TOPICS_ENABLE).toBe('false');
  expect(Object.keys(environment).filter((name) => /REPLICATION_FACTOR|ISR|INSYNC/.test(name)).length).toBe(7);
  for (const [name, value] of Object.entries(environment))
    if (/REPLICATION_FACTOR|ISR|INSYNC/.test(name)) expect(value).toBe('1');
  expect(profiles).toEqual(['kafka']);
  expect(healthcheck?.test.join(' ')).toContain('/19092');
  expect(guide).toMatch(/^BROKER=kafka$/m);
  expect(guide).toMatch(new RegExp(`^KAFKA_BROKERS=${advertised.PLAINTEXT}$`, 'm'));
});

test('with the settings of the guide workers are sent through that broker', () => {
  const given = Object.fromEntries(
    [...guide.matchAll(/^(BROKER|KAFKA_BROKERS)=(.*)$/gm)].map(([, name, value]) => [name!, value!]),
  );
  const { environment = {} } = compose.services.worker!;
  const presetOf = (name: string) => /^\$\{(\w+):-(.*)\}$/.exec(environment[name] ?? '')?.slice(1);
  expect(presetOf('BROKER')).toEqual(['BROKER', 'redis']);
  expect(presetOf('KAFKA_BROKERS')).toEqual(['KAFKA_BROKERS', '']);
  expect(presetOf('KAFKA_REPLICATION')).toEqual(['KAFKA_REPLICATION', '1']);
  expect(readConfig({ ...given, KAFKA_REPLICATION: '1' })).toMatchObject({
    broker: 'kafka',
    kafka: { brokers: [{ host: 'kafka', port: 19_092 }], replication: 1 },
  });
});

test('what observes and what sends load is started only when asked for, and finds what it reads', () => {
  const inProfile = (profile: string) => services.filter(([, { profiles = [] }]) => profiles.includes(profile));
  expect(inProfile('observe').map(([name]) => name)).toEqual([
    'prometheus',
    'alertmanager',
    'collector',
    'jaeger',
    'grafana',
  ]);
  expect(inProfile('load').map(([name]) => name)).toEqual(['k6']);
  // A front without an .env sends no traces; with the guide's line it sends them where the collector listens.
  const { environment = {} } = compose.services.app!;
  expect(environment.OTEL_EXPORTER_OTLP_ENDPOINT).toBe(`\${OTEL_EXPORTER_OTLP_ENDPOINT:-}`);
  const [, host, port] = /^OTEL_EXPORTER_OTLP_ENDPOINT=http:\/\/(\w+):(\d+)$/m.exec(guide)!;
  expect(compose.services).toHaveProperty(host!);
  const collector = parse(readFileSync(join(ROOT, 'otel/collector.yml'), 'utf8')) as Collector;
  expect(collector.receivers.otlp.protocols.http.endpoint).toBe(`0.0.0.0:${port}`);
  const sources = parse(readFileSync(join(ROOT, SOURCES), 'utf8')) as { datasources: { url: string }[] };
  const asked = [
    collector.exporters.otlp.endpoint,
    ...sources.datasources.map(({ url }) => url.replace('http://', '')),
    ...Object.values(compose.services.k6!.environment!).flatMap((value) => /^http:\/\/(.+)$/.exec(value)?.[1] ?? []),
  ];
  expect(asked).toHaveLength(5);
  for (const address of asked) expect(compose.services, address).toHaveProperty(address.split(':')[0]!);
});

test('ports are published on the loopback alone', () => {
  const ports = services.flatMap(([, service]) => service.ports ?? []);
  expect(ports.length).toBeGreaterThan(3);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
});

test('data is kept in named volumes, and every file that is mounted exists', () => {
  for (const volume of services.flatMap(([, service]) => service.volumes ?? [])) {
    const [source = ''] = volume.split(':');
    if (source.startsWith('./')) expect(existsSync(join(ROOT, source)), source).toBe(true);
    else expect(compose.volumes).toHaveProperty(source);
  }
});

test('every setting exists, and the configuration takes them all in the production profile', () => {
  expect(ours.map(([name]) => name)).toEqual(['app', 'worker']);
  const filled: Record<string, string> = { TICKET_KEYS: `1:${'ab'.repeat(32)}`, COUPON_KEY: 'cd'.repeat(32) };
  for (const [name, { environment = {} }] of ours) {
    expect(
      Object.keys(environment).filter((setting) => !SETTING_NAMES.includes(setting)),
      name,
    ).toEqual([]);
    const values = Object.entries(environment).map(([setting, value]) => [
      setting,
      value.replaceAll(/\$\{(\w+):(?:\?[^}]*|-([^}]*))\}/g, (_, variable: string, preset?: string) => {
        return preset ?? filled[variable] ?? 'a-secret-of-24-characters';
      }),
    ]);
    expect(readConfig(Object.fromEntries(values))).toMatchObject({ profile: 'production', durability: 'disk' });
  }
});

test('the programs that are run exist, and get longer to stop than they may take to drain', () => {
  for (const [name, service] of ours) {
    expect(existsSync(join(ROOT, service.build!.dockerfile)), name).toBe(true);
    const programs = [service.command!, service.healthcheck!.test.slice(1)].map(([, program]) => program!);
    for (const program of programs) expect(existsSync(join(ROOT, program)), program).toBe(true);
    expect(Number.parseInt(service.stop_grace_period!, 10) * 1_000).toBeGreaterThan(limits.drainMs);
  }
});

test('Redis keeps what it was given: synced at every write, and never evicted', () => {
  const command = compose.services.redis!.command!;
  const option = (name: string) => command[command.indexOf(name) + 1];
  expect([option('--appendonly'), option('--appendfsync'), option('--maxmemory-policy')]).toEqual([
    'yes',
    'always',
    'noeviction',
  ]);
});

test('every secret has to be given, and the guide makes each of them', () => {
  const secrets = new Set([...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name!));
  expect(secrets.size).toBe(7);
  for (const secret of secrets) expect(guide).toMatch(new RegExp(`^${secret}=`, 'm'));
  const others = [...text.matchAll(/\$\{(\w+)(?!\w|:[?-])/g)].map(([, name]) => name);
  expect(others, 'give it a message, or a default').toEqual([]);
});

test('a worker was given secrets that it has no use for', () => {
  const names = Object.keys(compose.services.worker!.environment!);
  expect(names).toContain('COUPON_KEY');
  for (const secret of ['ADMIN_TOKEN', 'TICKET_KEYS', 'GATEWAY_SECRET']) expect(names).not.toContain(secret);
});

test('a password stood on a command line, which every process of the machine can read', () => {
  for (const [name, { command = [], healthcheck }] of services) {
    expect([...command, ...(healthcheck?.test ?? [])].join(' '), name).not.toMatch(
      /\$\{\w*(PASSWORD|TOKEN|SECRET|KEY)/,
    );
  }
});

test('behind the bridge no address was counted: what comes by the published port is its gateway', () => {
  const [network] = (compose as unknown as { networks: { default: { ipam: { config: { gateway: string }[] } } } })
    .networks.default.ipam.config;
  expect(compose.services.app!.environment!.TRUSTED_PROXIES).toBe(network!.gateway);
});
