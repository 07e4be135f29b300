import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dashboardOf } from '../../otel/dashboards/build.ts';
import { atRest } from '../../otel/dashboards/panel.ts';
import { BOARDS } from '../../otel/dashboards/panels.ts';
import { escaped } from '../../src/load/plot.ts';
import { ROOT } from '../helpers/root.ts';
import { askedBy } from './promql.ts';

const FOLDER = 'otel/grafana/dashboards';

test('what is provisioned is what the panels say', () => {
  expect(readdirSync(join(ROOT, FOLDER)).toSorted()).toEqual(BOARDS.map(({ id }) => `${id}.json`).toSorted());
  for (const board of BOARDS) {
    const file = readFileSync(join(ROOT, FOLDER, `${board.id}.json`), 'utf8');
    expect(file, 'npm run dashboards').toBe(dashboardOf(board));
  }
});

test('every panel has a title of its own on its board, says what it shows, and asks in PromQL', () => {
  for (const { id, rows } of BOARDS) {
    const panels = rows.flatMap((row) => row.panels);
    expect(new Set(panels.map(({ title }) => title)).size, id).toBe(panels.length);
    for (const { title, description, queries } of panels) {
      expect(description.length, title).toBeGreaterThan(10);
      expect(queries.length, title).toBeGreaterThan(0);
      for (const { expr } of queries) expect(askedBy(atRest(expr)).metrics.size, title).toBeGreaterThan(0);
    }
  }
});

test('every label that a legend names is one by which its expression sums', () => {
  const panels = BOARDS.flatMap(({ rows }) => rows.flatMap((row) => row.panels));
  for (const { title, queries } of panels) {
    for (const { expr, legend } of queries) {
      for (const [, label] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
        expect(/by \(([^)]*)\)/.exec(expr)?.[1]?.split(', '), title).toContain(label);
      }
    }
  }
});

test('every panel is in the picture of its board, or the page names it as one that is not drawn', () => {
  const page = readFileSync(join(ROOT, 'docs/operating/dashboards.md'), 'utf8');
  for (const { id, rows } of BOARDS) {
    const picture = readFileSync(join(ROOT, `docs/operating/pictures/${id}.svg`), 'utf8');
    const undrawn = rows
      .flatMap((row) => row.panels)
      .filter(({ title }) => !picture.includes(`aria-label="${escaped(title)}`));
    for (const { title } of undrawn) expect(page, 'npm run pictures').toContain(`*${title}*`);
  }
});
