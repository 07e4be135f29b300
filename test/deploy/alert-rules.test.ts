// Prometheus's own tool takes every file of otel/, and every alert fires in its fault and not without it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { findProgram, serverSearchPath } from '../../src/local/binaries.mjs';
import { ROOT } from '../helpers/root.ts';
import { ALERT_CASES, type AlertCase } from './alert-cases.ts';
import { alerts, RULE_FILES } from './rules.ts';

const promtool = findProgram(['promtool'], serverSearchPath());
const amtool = findProgram(['amtool'], serverSearchPath());

// Skipped tests are listed with the reason: setup installs both programs where it can (`npm test`).
const withPromtool = test.skipIf(promtool === undefined);

test('every alert has a case', () => {
  expect(alerts.length).toBeGreaterThan(25);
  const names = alerts.map(({ alert }) => alert);
  expect(names.filter((name) => !ALERT_CASES.some(({ alert }) => alert === name))).toEqual([]);
  expect(ALERT_CASES.filter(({ alert }) => !names.includes(alert))).toEqual([]);
});

withPromtool.for(['otel/prometheus.yml', 'otel/prometheus.local.yml'])('promtool takes the rules and %s', (path) => {
  run(promtool!, ['check', 'config', path]);
});

withPromtool('every alert fires in its fault within its time, and not without the fault', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-rules-'));
  t.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const tests = ALERT_CASES.flatMap((one) => [caseOf(one, 'fault'), caseOf(one, 'healthy')]);
  const rule_files = RULE_FILES.map((file) => join(ROOT, 'otel', file));
  const file = join(folder, 'cases.yml');
  writeFileSync(file, stringify({ rule_files, evaluation_interval: '5s', tests }, { aliasDuplicateObjects: false }));
  run(promtool!, ['test', 'rules', file]);
});

test.skipIf(amtool === undefined)('amtool takes the routes, and a severity goes to its channel', () => {
  const config = '--config.file=otel/alertmanager.yml';
  run(amtool!, ['check-config', 'otel/alertmanager.yml']);
  const channel = (...labels: string[]) => run(amtool!, ['config', 'routes', 'test', config, ...labels]).trim();
  expect(channel('alertname=SluiceNoWorker', 'severity=critical')).toBe('pager');
  expect(channel('alertname=SluiceLagging', 'severity=warning')).toBe('chat');
  expect(channel('alertname=SluiceErrorBudgetBurns', 'severity=warning')).toBe('tickets');
});

/** A test of promtool: the alert by its severity is there at the time of the fault, or is not. */
function caseOf({ alert, at = '2m', ...series }: AlertCase, which: 'fault' | 'healthy') {
  const severity = alerts.find((one) => one.alert === alert)?.labels.severity;
  const firing = { labels: `{alertname="${alert}", severity="${severity}"}`, value: 1 };
  return {
    name: `${alert}: ${which}`,
    interval: '5s',
    input_series: Object.entries(series[which]).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: `count by (alertname, severity) (ALERTS{alertname="${alert}", alertstate="firing"}) > bool 0`,
        eval_time: at,
        exp_samples: which === 'fault' ? [firing] : [],
      },
    ],
  };
}

/** Its standard output; fails with all that it says. */
function run(program: string, args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' });
  expect(status, stdout + stderr).toBe(0);
  return stdout;
}
