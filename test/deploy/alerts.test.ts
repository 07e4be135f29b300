import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { atRest } from '../../otel/dashboards/panel.ts';
import { BOARDS } from '../../otel/dashboards/panels.ts';
import { readConfig } from '../../src/config/config.ts';
import { DECISION_KINDS } from '../../src/domain/decision.ts';
import { SERVER_ERROR_KINDS } from '../../src/domain/server-error.ts';
import { runningFront } from '../cli/running-front.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { ROOT } from '../helpers/root.ts';
import { until } from '../helpers/until.ts';
import { sellAndMeasure } from '../telemetry/scrape.ts';
import { askedBy } from './promql.ts';
import { alerts, readYaml, recorded } from './rules.ts';

const front = runningFront({ workers: 1 });

test('every metric of a rule or a panel is exported by a front or a worker that has sold something, or recorded by another rule', async () => {
  await sellAndMeasure(front);
  const told = await until(
    'front and worker tell their numbers (a meter that is taken before telemetry starts tells none)',
    DEADLINE_MS,
    async () => {
      const texts = await Promise.all(front.metricsUrls.map(async (url) => (await fetch(url)).text()));
      const names = texts.flatMap((text) => [...text.matchAll(/^(\w+)[ {]/gm)].map(([, name]) => name!));
      // The event loop is measured over a window, which has to end once.
      const isWhole = ['sluice_settled_total', 'nodejs_eventloop_delay_p99_seconds'].every((name) =>
        names.includes(name),
      );
      return isWhole ? new Set(names) : undefined;
    },
  );
  // The one number that Prometheus adds itself, about the scrape.
  told.add('up');
  for (const { record } of recorded) told.add(record);
  const asked = [
    ...alerts.map(({ alert, expr }) => ({ name: alert, expr })),
    ...recorded.map(({ record, expr }) => ({ name: record, expr })),
    ...BOARDS.flatMap(({ rows }) => rows.flatMap(({ panels }) => panels)).flatMap(({ title, queries }) =>
      queries.map(({ expr }) => ({ name: `panel ${title}`, expr: atRest(expr) })),
    ),
  ];
  for (const { name, expr } of asked) {
    const used = [...askedBy(expr).metrics];
    if (!expr.startsWith('vector(')) expect(used.length, name).toBeGreaterThan(0);
    expect(
      used.filter((metric) => !told.has(metric)),
      `${name}; told are ${[...told].join(', ')}`,
    ).toEqual([]);
  }
});

test('every decision, kind and outcome that a rule names is one', () => {
  const named = new Map<string, Set<string>>();
  for (const { expr } of [...alerts, ...recorded]) {
    for (const [label, values] of askedBy(expr).labels) {
      named.set(label, (named.get(label) ?? new Set()).union(values));
    }
  }
  const known: Record<string, readonly string[]> = {
    decision: DECISION_KINDS,
    kind: SERVER_ERROR_KINDS,
    outcome: ['ok', 'refused', 'invalid', 'fault'],
    server: ['redis', 'database'],
  };
  for (const [label, values] of Object.entries(known)) {
    expect(named.get(label)?.size, label).toBeGreaterThan(0);
    expect([...named.get(label)!].filter((value) => !values.includes(value))).toEqual([]);
  }
});

test('every alert has a name of its own, says how bad it is, what to do, and where that is written', () => {
  expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  const anchors = headingsOf(readFileSync(join(ROOT, 'docs/runbook.md'), 'utf8')).map(
    (anchor) => `docs/runbook.md#${anchor}`,
  );
  for (const { alert, labels, annotations } of alerts) {
    expect(['warning', 'critical'], alert).toContain(labels.severity);
    expect(annotations.summary.length, alert).toBeGreaterThan(20);
    expect(annotations.action.length, alert).toBeGreaterThan(10);
    expect(anchors, alert).toContain(annotations.runbook);
  }
});

test('an alert that Alertmanager mutes, and one that mutes it, are alerts', () => {
  const { inhibit_rules } = readYaml('otel/alertmanager.yml') as {
    inhibit_rules: { source_matchers: string[]; target_matchers: string[] }[];
  };
  const names = alerts.map(({ alert }) => alert);
  for (const { source_matchers, target_matchers } of inhibit_rules) {
    for (const matcher of [...source_matchers, ...target_matchers]) {
      const [, wanted] = /^alertname=~?"(.+)"$/.exec(matcher) ?? [];
      for (const pattern of wanted?.split('|') ?? []) {
        expect(names.filter((name) => new RegExp(`^${pattern}$`).test(name)).length, pattern).toBeGreaterThan(0);
      }
    }
  }
});

test('each objective has its errors over the same seven windows, and a budget', () => {
  const of = (prefix: string) => recorded.filter(({ record }) => record.startsWith(prefix));
  const slos = of('sluice:slo_budget:').map(({ labels }) => labels!.slo!);
  expect(slos).toEqual(['join-availability', 'join-p95', 'join-p99', 'issued-30s']);
  for (const slo of slos) {
    const windows = of('sluice:slo_errors:').filter(({ labels }) => labels!.slo === slo);
    const names = windows.map(({ record }) => record.replace('sluice:slo_errors:ratio_rate', ''));
    expect(names).toEqual(['5m', '30m', '1h', '2h', '6h', '1d', '3d']);
    const [first, ...rest] = windows.map(({ expr }, index) => expr.replaceAll(`[${names[index]}]`, '[]'));
    for (const expr of rest) expect(expr).toBe(first);
  }
});

test('the collector sends each pipeline through parts that it has', () => {
  const { service, ...parts } = readYaml('otel/collector.yml') as {
    service: { extensions: string[]; pipelines: Record<string, Record<string, string[]>> };
  } & Record<string, Record<string, unknown>>;
  for (const pipeline of Object.values(service.pipelines)) {
    for (const [kind, names] of Object.entries(pipeline)) {
      expect(names.filter((name) => parts[kind]?.[name] === undefined)).toEqual([]);
    }
  }
  expect(service.extensions.filter((name) => parts.extensions?.[name] === undefined)).toEqual([]);
});

test('what is scraped are the services of compose.yaml, where they tell their numbers', () => {
  const { services } = readYaml('compose.yaml') as { services: object };
  const { scrape_configs: jobs } = readYaml('otel/prometheus.yml') as {
    scrape_configs: { dns_sd_configs: { names: string[]; port: number }[] }[];
  };
  const targets = jobs.flatMap((job) => job.dns_sd_configs);
  expect(targets.flatMap(({ names }) => names)).toEqual(['app', 'worker']);
  for (const { names, port } of targets)
    expect([port, services]).toEqual([9464, expect.objectContaining({ [names[0]!]: expect.anything() })]);
});

test('the local configuration scrapes what npm start serves when nothing is set, by the same rules', () => {
  const local = readYaml('otel/prometheus.local.yml') as {
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
  const compose = readYaml('otel/prometheus.yml') as { rule_files: string[]; scrape_configs: { job_name: string }[] };
  expect(local.rule_files).toEqual(compose.rule_files);
  expect(local.scrape_configs.map((job) => job.job_name)).toEqual(compose.scrape_configs.map((job) => job.job_name));
});

/** The anchors of a page's headings, as GitHub makes them. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
