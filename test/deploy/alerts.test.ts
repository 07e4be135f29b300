import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/config/config.ts';
import { DECISION_KINDS } from '../../src/domain/decision.ts';
import { findProgram, serverSearchPath } from '../../src/local/binaries.mjs';
import { runningFront } from '../cli/running-front.ts';
import { uniqueName } from '../helpers/own-names.ts';
import { ROOT } from '../helpers/root.ts';
import { until } from '../helpers/until.ts';

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; action: string };
}

const front = runningFront({ workers: 1 });
const read = (path: string): unknown => parse(readFileSync(join(ROOT, path), 'utf8'));
const rules = (read('otel/alerts.yml') as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

test('every number that an alert is about is told by a front or a worker that has sold something', async () => {
  await sellOne();
  const told = await until(
    'front and worker tell their numbers (a meter that is taken before telemetry starts tells none)',
    10_000,
    async () => {
      const texts = await Promise.all(front.metricsUrls.map(async (url) => (await fetch(url)).text()));
      const names = texts.flatMap((text) => [...text.matchAll(/^(sluice_\w+)[ {]/gm)].map(([, name]) => name!));
      return names.some((name) => name.startsWith('sluice_settled')) ? new Set(names) : undefined;
    },
  );
  // The one number that Prometheus adds itself, about the scrape.
  told.add('up');
  for (const { alert, expr } of rules) {
    const used = metricsOf(expr);
    expect(used.length, alert).toBeGreaterThan(0);
    expect(
      used.filter((name) => !told.has(name)),
      `${alert}; told are ${[...told].join(', ')}`,
    ).toEqual([]);
  }
});

test('every decision that an alert names is one', () => {
  const named = rules.flatMap(({ expr }) => [...expr.matchAll(/decision="([^"]*)"/g)].map(([, kind]) => kind));
  expect(named.length).toBeGreaterThan(3);
  for (const kind of named) expect(DECISION_KINDS).toContain(kind);
});

test('every alert has a name of its own, says how bad it is and what to do', () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { alert, labels, annotations } of rules) {
    expect(['warning', 'critical'], alert).toContain(labels.severity);
    expect(annotations.summary.length, alert).toBeGreaterThan(20);
    expect(annotations.action.length, alert).toBeGreaterThan(10);
  }
});

test('what is scraped are the services of compose.yaml, where they tell their numbers', () => {
  const { services } = read('compose.yaml') as { services: object };
  const { scrape_configs: jobs } = read('otel/prometheus.yml') as {
    scrape_configs: { dns_sd_configs: { names: string[]; port: number }[] }[];
  };
  const targets = jobs.flatMap((job) => job.dns_sd_configs);
  expect(targets.flatMap(({ names }) => names)).toEqual(['app', 'worker']);
  for (const { names, port } of targets)
    expect([port, services]).toEqual([9464, expect.objectContaining({ [names[0]!]: expect.anything() })]);
});

test('the local configuration scrapes what npm start serves when nothing is set, by the same rules', () => {
  const local = read('otel/prometheus.local.yml') as {
    rule_files: string[];
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
  };
  const { telemetry, workers } = readConfig({});
  const targets = local.scrape_configs.map(({ job_name, static_configs }) => [
    job_name,
    ...static_configs.flatMap((config) => config.targets),
  ]);
  const first = telemetry.port + 1;
  expect(targets).toEqual([
    ['sluice-front', `${telemetry.host}:${telemetry.port}`],
    ['sluice-worker', ...Array.from({ length: workers.count }, (_, index) => `${telemetry.host}:${first + index}`)],
  ]);
  const compose = read('otel/prometheus.yml') as { rule_files: string[]; scrape_configs: { job_name: string }[] };
  expect(local.rule_files).toEqual(compose.rule_files);
  expect(local.scrape_configs.map((job) => job.job_name)).toEqual(compose.scrape_configs.map((job) => job.job_name));
});

const promtool = findProgram(['promtool'], serverSearchPath());

test.skipIf(promtool === undefined).for(['otel/prometheus.yml', 'otel/prometheus.local.yml'])(
  'promtool takes the rules and %s',
  (path) => {
    const said = spawnSync(promtool!, ['check', 'config', path], { cwd: ROOT, encoding: 'utf8' });
    expect(said.status, said.stdout + said.stderr).toBe(0);
  },
);

/** The names that an expression asks for: what is neither function, keyword, label nor value. */
function metricsOf(expression: string): string[] {
  const bare = expression
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replaceAll(/\b(by|without|on|ignoring)\s*\([^)]*\)/g, '')
    .replaceAll(/\b(and|or|unless|bool|offset)\b/g, '');
  return [...bare.matchAll(/\b[a-z_]\w*\b(?!\s*\()/gi)].map(([name]) => name);
}

async function sellOne(): Promise<void> {
  const id = uniqueName('alerts');
  const headers = { authorization: `Bearer ${front.adminToken}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ id, stock: 1 });
  expect((await fetch(`${front.adminUrl}/admin/campaigns`, { method: 'POST', headers, body })).status).toBe(201);
  const joined = await until('the join is admitted', 10_000, async () => {
    const answer = await fetch(`${front.url}/v1/campaigns/${id}/tickets`, {
      method: 'POST',
      headers: { 'x-user-id': 'ann' },
    });
    return answer.ok ? ((await answer.json()) as { ticket: string }) : undefined;
  });
  await until('the ticket is issued', 15_000, async () => {
    const ticket = await fetch(`${front.url}/v1/tickets/${joined.ticket}`, { headers: { prefer: 'wait=1' } });
    return ((await ticket.json()) as { status: string }).status === 'issued';
  });
}
