// docs/operating/metrics.md has a row for every metric that a running front and a running worker export, and no other.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runningFront } from '../cli/running-front.ts';
import { ROOT } from '../helpers/root.ts';
import { until } from '../helpers/until.ts';
import { familiesOf, sellAndMeasure } from './scrape.ts';

const front = runningFront({ workers: 1, isAlone: true });

interface Row {
  name: string;
  labels: string[];
  kind: string;
  of: string;
}

const KINDS: Record<string, string> = { C: 'counter', G: 'gauge', H: 'histogram' };

function rows(): Row[] {
  const page = readFileSync(join(ROOT, 'docs/operating/metrics.md'), 'utf8');
  return [
    ...page.matchAll(/^\| `(\w+)(?:\{([\w,]+)\})?` \| ([CGH]) \| (front|worker|both) \| [^|]+ \| [^|]+ \| [^|]+ \|$/gm),
  ].map(([, name, labels, kind, of]) => ({
    name: name!,
    labels: labels?.split(',').toSorted() ?? [],
    kind: KINDS[kind!]!,
    of: of!,
  }));
}

test('every metric of a front and a worker has one row with its kind and its labels, and every row has its metric', async () => {
  await sellAndMeasure(front);
  const documented = rows();
  expect(new Set(documented.map(({ name }) => name)).size).toBe(documented.length);
  for (const [index, process] of (['front', 'worker'] as const).entries()) {
    const wanted = documented.filter(({ of }) => of === process || of === 'both');
    const told = await until(`the ${process} exports what it counts only now and then`, 90_000, async () => {
      const families = familiesOf(await (await fetch(front.metricsUrls[index]!)).text());
      return wanted.every(({ name }) => (families.get(name)?.sampleCount ?? 0) > 0) && families;
    });
    const exported = [...told].map(([name, { kind, labels }]) => ({ name, kind, labels: [...labels].toSorted() }));
    // What OpenTelemetry knows of a process differs from machine to machine.
    const isOurs = ({ name }: { name: string }) => name !== 'target_info';
    expect(exported.filter(isOurs).toSorted(byName)).toEqual(
      wanted
        .filter(isOurs)
        .map(({ name, kind, labels }) => ({ name, kind, labels }))
        .toSorted(byName),
    );
  }
});

const ascending = (one: string, other: string) => (one < other ? -1 : 1);
const byName = (one: { name: string }, other: { name: string }) => ascending(one.name, other.name);

test('no label holds a user or a ticket', async () => {
  const { users, tickets } = await sellAndMeasure(front);
  for (const url of front.metricsUrls) {
    const text = await (await fetch(url)).text();
    expect([...users, ...tickets].filter((secret) => text.includes(secret))).toEqual([]);
  }
});

test('OpenMetrics has the same samples, no unit that its name lacks, and an end', async () => {
  const accept = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5';
  const [plain, open] = await Promise.all([
    fetch(front.metricsUrls[1]!),
    fetch(front.metricsUrls[1]!, { headers: { accept } }),
  ]);
  expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  const [plainText, openText] = [await plain.text(), await open.text()];
  const namesOf = (text: string) =>
    [...new Set([...text.matchAll(/^(\w+)[ {]/gm)].map(([, name]) => name!))].toSorted(ascending);
  expect(namesOf(openText)).toEqual(namesOf(plainText));
  expect(openText).toMatch(/^# TYPE sluice_settled counter$/m);
  expect(openText).not.toMatch(/^# UNIT|\n\n/m);
  expect(openText.endsWith('\n# EOF\n')).toBe(true);
});
