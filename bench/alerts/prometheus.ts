// A real Prometheus with the rules of otel/ and its scrape interval, on targets of this machine.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort, startChild } from '../../test/faults/stage/child.ts';
import { ROOT } from '../../test/helpers/root.ts';
import type { Owner } from '../../test/helpers/tcp-proxy.ts';
import { until } from '../../test/helpers/until.ts';
import { findBinary, Missing } from '../processes.ts';

export interface Prometheus {
  /** Alerts that fire now, each once whatever its labels. */
  firing: () => Promise<Set<string>>;
  /** Why a rule could not be evaluated; empty when all were. */
  ruleErrors: () => Promise<string[]>;
  /** The values of an expression now. */
  query: (expression: string) => Promise<number[]>;
  /** Its values at each of these times, by their labels. */
  range: (expression: string, times: Times) => Promise<Series[]>;
}

/** Both ends included; s, since 1970 where it is a time. */
export interface Times {
  from: number;
  to: number;
  step: number;
}

export interface Series {
  labels: Readonly<Record<string, string>>;
  /** By the second since 1970; nothing where there was no sample, or one that is no number. */
  values: ReadonlyMap<number, number>;
}

interface Targets {
  job: string;
  ports: readonly number[];
}

const STARTED_MS = 60_000;

/** As `otel/prometheus.local.yml` has it: a scrape and an evaluation each 5 s. */
export async function startPrometheus(t: Owner, folder: string, jobs: readonly Targets[]): Promise<Prometheus> {
  const file = findBinary('prometheus');
  if (file === undefined) throw new Missing('this machine has no prometheus');
  const port = await freePort();
  const config = {
    global: { scrape_interval: '5s', evaluation_interval: '5s' },
    rule_files: ['recording.yml', 'slos.yml', 'alerts.yml'].map((name) => join(ROOT, 'otel', name)),
    scrape_configs: jobs.map(({ job, ports }) => ({
      job_name: job,
      static_configs: [{ targets: ports.map((target) => `127.0.0.1:${target}`) }],
    })),
  };
  const path = join(folder, 'prometheus.yml');
  writeFileSync(path, stringify(config));
  const child = startChild({
    name: 'prometheus',
    folder,
    command: [
      ...[file, `--config.file=${path}`, `--storage.tsdb.path=${join(folder, 'tsdb')}`],
      ...[`--web.listen-address=127.0.0.1:${port}`, '--enable-feature=exemplar-storage'],
    ],
  });
  t.onTestFinished(async () => void (await child.end('SIGTERM')));
  const ask = async (what: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}${what}`, { signal: AbortSignal.timeout(5_000) });
    if (!answer.ok) throw new Error(`Prometheus answered ${answer.status} to ${what}`);
    return ((await answer.json()) as { data: unknown }).data;
  };
  await until('Prometheus answers', STARTED_MS, async () => {
    if (!child.isAlive()) throw new Error(`Prometheus ended:\n${child.output().slice(-2_000)}`);
    return ask('/api/v1/alerts').catch(() => undefined);
  });
  return {
    async firing() {
      const { alerts } = (await ask('/api/v1/alerts')) as {
        alerts: { state: string; labels: { alertname: string } }[];
      };
      return new Set(alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname));
    },
    async ruleErrors() {
      const { groups } = (await ask('/api/v1/rules')) as {
        groups: { rules: { name: string; lastError?: string }[] }[];
      };
      const rules = groups.flatMap((group) => group.rules);
      return rules.flatMap(({ name, lastError }) => (lastError ? [`${name}: ${lastError}`] : []));
    },
    async query(expression) {
      const { result } = (await ask(`/api/v1/query?query=${encodeURIComponent(expression)}`)) as {
        result: { value: [number, string] }[];
      };
      return result.map(({ value }) => Number(value[1]));
    },
    async range(expression, { from, to, step }) {
      const times = `start=${from}&end=${to}&step=${step}`;
      const { result } = (await ask(`/api/v1/query_range?query=${encodeURIComponent(expression)}&${times}`)) as {
        result: { metric: Record<string, string>; values: [number, string][] }[];
      };
      return result.map(({ metric: labels, values }) => {
        const numbers = values.map(([at, value]): [number, number] => [at, Number(value)]);
        return { labels, values: new Map(numbers.filter(([, value]) => Number.isFinite(value))) };
      });
    },
  };
}
