import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig, SETTING_NAMES } from '../../src/config/config.ts';
import { backlogBody } from '../../src/domain/waiting.ts';
import { workersWithin } from '../../src/domain/worker-scale.ts';
import { limits } from '../../src/process/limits.ts';
import { ROOT } from '../helpers/root.ts';
import { read, sources } from '../tidy/sources.ts';
import { type Deployment, FOLDER, type Manifest, manifests, OVERLAYS, type Trigger } from './kubernetes.ts';

/** Wherever metrics are made. */
const exported = sources('.ts')
  .filter((path) => path.startsWith('src/telemetry/'))
  .map((path) => read(path))
  .join('\n');
const base = manifests('base/*.yaml').filter(({ kind }) => kind !== 'Kustomization');
const scaled = manifests('components/*/scaled-object.yaml');
const guide = read('docs/operating/kubernetes.md');
const named = (kind: string, name: string): Manifest => {
  const found = base.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
};
const deployments = ['sluice-front', 'sluice-worker'].map((name) => named('Deployment', name) as Deployment);
const containerOf = ({ spec }: Deployment) => spec.template.spec.containers[0];
const settingsOf = (deployment: Deployment): Record<string, string> => {
  const { env, envFrom } = containerOf(deployment);
  const maps = envFrom.map(({ configMapRef }) => named('ConfigMap', configMapRef.name).data!);
  return Object.assign(
    {},
    ...maps,
    Object.fromEntries(env.map(({ name }) => [name, SECRETS[name] ?? 'a-pod'])),
  ) as never;
};
const SECRETS: Record<string, string> = {
  REDIS_URL: 'redis://:secret@redis.example:6379',
  DATABASE_URL: 'mysql://sluice:secret@db.example:3306/sluice',
  COUPON_KEY: 'cd'.repeat(32),
  TICKET_KEYS: `1:${'ab'.repeat(32)}`,
  ADMIN_TOKEN: 'a-secret-of-24-characters',
  ADMIN_READ_TOKEN: 'another-of-24-characters',
  GATEWAY_SECRET: 'a-gateway-of-24-characters',
};
const [FRONT_NEEDS, WORKER_NEEDS] = [
  {
    inProduction: ['REDIS_URL', 'DATABASE_URL', 'ADMIN_TOKEN', 'TICKET_KEYS', 'COUPON_KEY'] as const,
    identity: true,
    listeners: true,
  },
  { always: ['REDIS_URL', 'DATABASE_URL', 'COUPON_KEY'] as const },
];

test('every setting exists, and the configuration takes them all in the production profile', () => {
  for (const [index, deployment] of deployments.entries()) {
    const settings = settingsOf(deployment);
    expect(Object.keys(settings).filter((name) => !SETTING_NAMES.includes(name))).toEqual([]);
    expect(readConfig(settings, [FRONT_NEEDS, WORKER_NEEDS][index])).toMatchObject({ profile: 'production' });
  }
});

test('a worker is given no secret that it has no use for, and the guide makes every secret', () => {
  const secrets = deployments.map((deployment) =>
    containerOf(deployment).env.flatMap(({ valueFrom }) => valueFrom.secretKeyRef ?? []),
  );
  expect(secrets[1]!.map(({ key }) => key).toSorted()).toEqual(['COUPON_KEY', 'DATABASE_URL', 'REDIS_URL']);
  for (const { name, key } of secrets.flat()) {
    expect(guide).toContain(`create secret generic ${name} `);
    expect(guide, key).toContain(`--from-literal=${key}=`);
  }
});

test('programs exist, probes ask what is there, and a restart is never asked for because of a store', () => {
  for (const deployment of deployments) {
    const { command, ports, startupProbe, readinessProbe, livenessProbe } = containerOf(deployment);
    expect(existsSync(join(ROOT, command[1]!)), command[1]).toBe(true);
    const settings = settingsOf(deployment);
    const portOf = { public: settings.PORT, admin: settings.ADMIN_PORT, telemetry: settings.TELEMETRY_PORT };
    for (const { name, containerPort } of ports) expect(portOf[name as 'public']).toBe(String(containerPort));
    for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe])
      expect(ports.map(({ name }) => name)).toContain(httpGet.port);
    expect(readinessProbe.httpGet.path).toBe('/readyz');
    expect(livenessProbe.httpGet.path).toBe('/livez');
  }
});

test('a pod has longer to end than it may take, and a front is gone from its Service before it ends', () => {
  const [front, worker] = deployments as [Deployment, Deployment];
  const { drainNoticeMs } = readConfig(settingsOf(front), FRONT_NEEDS);
  const sleepMs = containerOf(front).lifecycle!.preStop.sleep.seconds * 1_000;
  const graceMs = ({ spec }: Deployment) => spec.template.spec.terminationGracePeriodSeconds * 1_000;
  expect(graceMs(front)).toBeGreaterThan(sleepMs + drainNoticeMs + limits.drainMs + 5_000);
  expect(graceMs(worker)).toBeGreaterThan(limits.drainMs + 5_000);
  const { periodSeconds, failureThreshold } = containerOf(front).readinessProbe;
  expect(drainNoticeMs).toBeGreaterThan(2 * periodSeconds * failureThreshold! * 1_000);
});

test('every pod is as small a target as the restricted profile wants, and is spread', () => {
  for (const deployment of deployments) {
    const { automountServiceAccountToken, securityContext, topologySpreadConstraints } = deployment.spec.template.spec;
    expect(automountServiceAccountToken).toBe(false);
    expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(containerOf(deployment).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(topologySpreadConstraints).toHaveLength(2);
  }
});

test('every selector finds the pods of a Deployment, and every port of a Service and a policy is one of theirs', () => {
  const pods = deployments.map(({ spec }) => spec.template.metadata.labels);
  const selected = base.flatMap(({ kind, metadata, spec }) => {
    const of = {
      Deployment: 'selector',
      Service: 'selector',
      PodDisruptionBudget: 'selector',
      NetworkPolicy: 'podSelector',
    };
    const field = of[kind as 'Service'] as string | undefined;
    if (field === undefined) return [];
    const selector = spec[field] as { matchLabels?: object };
    return [{ name: `${kind} ${metadata.name}`, labels: selector.matchLabels ?? selector }];
  });
  expect(selected.length).toBeGreaterThan(9);
  for (const { name, labels } of selected)
    expect(
      pods.some((pod) => Object.entries(labels).every(([key, value]) => pod[key as never] === value)),
      name,
    ).toBe(true);
  const ports = deployments.flatMap((deployment) => containerOf(deployment).ports.map(({ name }) => name));
  const used = JSON.stringify(base).matchAll(/"(?:targetPort|port)":"([a-z]+)"/g);
  for (const [, port] of used) expect(ports).toContain(port);
  for (const { spec } of deployments)
    expect(spec.template.spec.topologySpreadConstraints.map((one) => one.labelSelector.matchLabels)).toEqual([
      spec.selector.matchLabels,
      spec.selector.matchLabels,
    ]);
});

test('a scaler reads a number that is there, and nothing where it is not', () => {
  const triggers = scaled.flatMap(({ spec }) => spec.triggers as Trigger[]);
  const body = backlogBody({ ticketCount: 1, campaignCount: 1, oldestWaitMs: 1 });
  const services = base.filter(({ kind }) => kind === 'Service');
  expect(triggers.map(({ type }) => type).toSorted()).toEqual(['metrics-api', 'metrics-api', 'prometheus']);
  for (const { type, metadata } of triggers) {
    if (type === 'metrics-api') {
      expect(Object.keys(body)).toContain(metadata.valueLocation);
      const { hostname, port, pathname } = new URL(metadata.url!);
      expect(services.map(({ metadata: { name } }) => `${name}.sluice.svc.cluster.local`)).toContain(hostname);
      expect([port, pathname]).toEqual([named('ConfigMap', 'sluice').data!.TELEMETRY_PORT, '/backlog']);
    } else {
      expect(metadata.ignoreNullValues).toBe('false');
      const [, metric] = /^max\((\w+)\)$/.exec(metadata.query!)!;
      expect(exported).toContain(`'${metric}'`);
    }
  }
});

test('the most workers fit into a database with the connections that MySQL and MariaDB allow by default', () => {
  const connectionsEach = Number(named('ConfigMap', 'sluice').data!.WORKER_CONNECTIONS);
  const { connectionsSpare } = readConfig({ WORKERS: 'auto' }).workers.scale!;
  for (const { spec } of scaled) {
    const most = workersWithin({ open: 0, max: 151 }, 0, { connectionsEach, connectionsSpare });
    expect(spec.maxReplicaCount).toBeLessThanOrEqual(most);
    expect(spec.minReplicaCount).toBeGreaterThanOrEqual(1);
    expect((spec.scaleTargetRef as { name: string }).name).toBe('sluice-worker');
  }
  // A rollout must not need more than that for a moment.
  expect(deployments[1]!.spec.strategy.rollingUpdate.maxSurge).toBe(0);
});

test('the overlays name what exists, and the guide names the overlays', () => {
  expect(OVERLAYS).toEqual(['fixed', 'keda', 'keda-prometheus']);
  for (const overlay of OVERLAYS) {
    const file = join(FOLDER, 'overlays', overlay, 'kustomization.yaml');
    const { resources, components = [] } = parse(readFileSync(file, 'utf8')) as Record<string, string[]>;
    for (const path of [...resources!, ...components])
      expect(existsSync(join(FOLDER, 'overlays', overlay, path, 'kustomization.yaml')), path).toBe(true);
    expect(guide).toContain(`deploy/kubernetes/overlays/${overlay}`);
  }
});
