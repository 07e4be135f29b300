// Draws the dashboards from a real run: `npm run pictures` (6 minutes, needs prometheus). A sale of four minutes on a
// service of its own, with two faults in it, scraped and recorded by a real Prometheus; every panel's expressions are asked of
// it afterwards. Writes docs/operating/pictures/.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { atRest, type Panel } from '../otel/dashboards/panel.ts';
import { BOARDS } from '../otel/dashboards/panels.ts';
import { ROOT } from '../test/helpers/root.ts';
import { steadyLoad } from '../test/helpers/steady-load.ts';
import { DRILLS } from './alerts/drills.ts';
import type { Prometheus, Series, Times } from './alerts/prometheus.ts';
import { openScene, type Scene } from './alerts/scene.ts';
import { ownerOf } from './open-loop.ts';
import { type DrawnPanel, drawBoard } from './pictures/draw.ts';
import { killAll, openFolder } from './processes.ts';

const CAMPAIGN = 'spring-sale';
const STOCK = 24_000;
const JOINS_PER_SECOND = 200;
const POLLS_PER_SECOND = 50;
const STEP_SECONDS = 5;
/** What happens, in seconds since the sale began. */
const RUN = { poisonedFrom: 40, poisonedTo: 55, workersGoneFrom: 75, workersBackAt: 105, endsAt: 240 };
const FOLDER = join(ROOT, 'docs/operating/pictures');

try {
  await using stack = new AsyncDisposableStack();
  const owner = ownerOf(stack);
  const scene = await openScene(owner, openFolder());
  const times = await sell(scene, owner);
  mkdirSync(FOLDER, { recursive: true });
  for (const { id, title, rows } of BOARDS) {
    const panels = rows.flatMap((row) => row.panels);
    const drawn = await Promise.all(panels.map((panel) => valuesOf(scene.prometheus, panel, times)));
    writeFileSync(join(FOLDER, `${id}.svg`), `${drawBoard(title, drawn)}\n`);
    const empty = drawn.filter(({ lines }) => lines.length === 0).map((panel) => panel.title);
    console.log(`${id}: ${drawn.length} panels${empty.length === 0 ? '' : `; without a value: ${empty.join(', ')}`}`);
  }
} finally {
  killAll();
}

/** Buyers join until the stock is sold and beyond, and poll; some rows are refused for a while, then all workers are killed. */
async function sell(scene: Scene, owner: Parameters<typeof steadyLoad>[0]): Promise<Times> {
  await scene.admin('POST', '/admin/campaigns', { id: CAMPAIGN, stock: STOCK });
  const from = Math.ceil(Date.now() / 1_000);
  const at = (second: number) => sleep(Math.max(0, (from + second) * 1_000 - Date.now()));
  const path = `/v1/campaigns/${CAMPAIGN}/tickets`;
  const joins = steadyLoad(owner, scene.url, JOINS_PER_SECOND, (n) => ({
    method: 'POST',
    path,
    headers: { 'x-user-id': `visitor-${n}` },
  }));
  const ticketOf = (n: number) => {
    const { body } = joins.shots[n % Math.max(1, joins.shots.length)] ?? {};
    return (body as { ticket?: string } | undefined)?.ticket ?? 'none';
  };
  const polls = steadyLoad(owner, scene.url, POLLS_PER_SECOND, (n) => ({
    method: 'GET',
    path: `/v1/tickets/${ticketOf(n)}`,
  }));
  await at(RUN.poisonedFrom);
  const heal = await DRILLS['poisoned-rows']!.begin(scene);
  await at(RUN.poisonedTo);
  const healed = heal();
  await at(RUN.workersGoneFrom);
  const back = await DRILLS.workers!.begin(scene);
  await at(RUN.workersBackAt);
  await back();
  await at(RUN.endsAt);
  await Promise.all([joins.stop(), polls.stop(), healed]);
  return { from, to: from + RUN.endsAt, step: STEP_SECONDS };
}

async function valuesOf(prometheus: Prometheus, panel: Panel, times: Times): Promise<DrawnPanel> {
  const { title, unit, isNumber = false, queries } = panel;
  const found = await Promise.all(
    queries.map(async ({ expr, legend }) => {
      const series = await prometheus.range(atRest(expr), times);
      return series.map((one) => ({ name: named(legend, one), series: one }));
    }),
  );
  const seconds: number[] = [];
  for (let at = times.from; at <= times.to; at += times.step) seconds.push(at);
  return {
    title,
    unit,
    isNumber,
    xs: seconds.map((at) => at - times.from),
    lines: found.flat().map(({ name, series }) => ({ name, values: seconds.map((at) => series.values.get(at)) })),
  };
}

/** The legend with the labels in it, as Grafana writes it. */
function named(legend: string, { labels }: Series): string {
  return legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? '');
}
