// The rules of otel/ as data.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../helpers/root.ts';

export interface Alert {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; action: string; runbook: string };
}

interface Recorded {
  record: string;
  expr: string;
  labels?: Record<string, string>;
}

export const RULE_FILES = ['recording.yml', 'slos.yml', 'alerts.yml'];

export const readYaml = (path: string): unknown => parse(readFileSync(join(ROOT, path), 'utf8'));

const rules = RULE_FILES.flatMap((file) =>
  (readYaml(`otel/${file}`) as { groups: { rules: (Alert | Recorded)[] }[] }).groups.flatMap((group) => group.rules),
);

export const alerts = rules.filter((rule) => 'alert' in rule);
export const recorded = rules.filter((rule) => 'record' in rule);
