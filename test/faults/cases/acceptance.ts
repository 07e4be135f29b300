// What a release is accepted by: a minute of each outage and of five times the capacity, in figures.
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../helpers/free-port.ts';
import { openHeapProbe } from '../../helpers/heap-probe.ts';
import type { GunOrder, GunReport } from '../../helpers/overload-gun.ts';
import { steadyLoad, withinMs } from '../../helpers/steady-load.ts';
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import { openClient } from '../crowd/client.ts';
import { askToJoin } from '../crowd/crowd.ts';
import { type JoinAnswer, percentile, tookMs } from '../crowd/history.ts';
import { startChild } from '../stage/child.ts';
import { REPOSITORY } from '../stage/sluice.ts';
import type { House, Stage } from '../stage/stage.ts';
import { keyOf, residentMb, rowCount, seqOf, settled } from './watch.ts';

/** So slow a gate that the machine is not what is measured: two calls of 128 joins at a time, each this long. */
const GATE_MS = 400;
const CAPACITY = (2 * 128 * 1_000) / GATE_MS;
const FLOOD_S = 60;
const WARM_S = 60;

async function fire(stage: Stage, order: GunOrder): Promise<GunReport & { goodput: number }> {
  const command = [process.execPath, 'test/helpers/overload-gun.ts', JSON.stringify(order)];
  const gun = startChild({ name: `gun-${order.crowd}`, folder: stage.folder, command, cwd: REPOSITORY });
  await gun.ended;
  const report = JSON.parse(gun.output()) as GunReport;
  return { ...report, goodput: ((report.statuses[202] ?? 0) * 1_000) / report.elapsedMs };
}

const flooded: FaultCase = {
  numbers: [84],
  name: `five times the capacity for ${FLOOD_S} s`,
  slow: true,
  run: async (stage) => {
    const inspectPort = await freePort();
    const house = await stage.house({
      redis: { settings: { appendfsync: 'everysec' } },
      front: { DURABILITY: 'memory', NODE_OPTIONS: `--inspect=127.0.0.1:${inspectPort}` },
    });
    const heap = await openHeapProbe(inspectPort);
    const sale = await house.openSale({ stock: 1_000_000, shards: 4 });
    const { url, pid } = house.front;
    const client = openClient(url);
    const first = await askToJoin(client, sale.id, 'first');
    client.close();
    if (first.kind !== 'ok') throw new Error(`no ticket: ${first.kind}`);
    house.links.frontRedis.delay(GATE_MS);
    const path = `/v1/campaigns/${sale.id}/tickets`;
    const order = { port: Number(new URL(url).port), path, connectionsMax: 2_000 };
    const peak = await fire(stage, { ...order, ratePerSecond: CAPACITY, seconds: 10, crowd: 'peak' });
    const headers = { 'x-user-id': 'first' };
    const ask = { method: 'GET', path: `/v1/tickets/${first.ticket}`, headers } as const;
    const polls = steadyLoad(stage.scope, url, 50, () => ask);
    const control = steadyLoad(stage.scope, url, 50, () => ({ method: 'GET', path: '/livez' }));
    const samples: number[] = [residentMb(pid)];
    const sampling = setInterval(() => samples.push(residentMb(pid)), 1_000);
    // Caches and pools have to find their size before growth says anything.
    const rate = { ratePerSecond: 5 * CAPACITY };
    const warm = await fire(stage, { ...order, ...rate, seconds: WARM_S, crowd: 'warm' });
    const from = samples.length;
    const liveBefore = await heap.liveMb();
    const flood = await fire(stage, { ...order, ...rate, seconds: FLOOD_S, crowd: 'flood' });
    clearInterval(sampling);
    const grown = (await heap.liveMb()) - liveBefore;
    heap.close();
    await Promise.all([polls.stop(), control.stop()]);
    const [pollP99, controlP99] = [withinMs(polls.shots, 0.99), withinMs(control.shots, 0.99)];
    const [peakWarm, peakResident] = [Math.max(...samples.slice(0, from)), Math.max(...samples.slice(from))];
    const share = flood.goodput / peak.goodput;
    const admitted = [peak, warm, flood].reduce((sum, { statuses }) => sum + (statuses[202] ?? 0), 1);
    const seq = await seqOf(house.redis.raw, sale);
    return {
      84: {
        injected: `${5 * CAPACITY} joins/s for ${FLOOD_S} s, after ${WARM_S} s of the same, at a gate that takes ${CAPACITY}/s`,
        seen: `goodput ${flood.goodput.toFixed(0)}/s ÷ peak ${peak.goodput.toFixed(0)}/s = ${(share * 100).toFixed(1)} %; answers ${JSON.stringify(flood.statuses)}, ${flood.unsentCount} unsent; 202 p99 ${flood.admittedP99Ms.toFixed(0)} ms, 503 p99 ${flood.refusedP99Ms.toFixed(0)} ms; polls p99 ${pollP99.toFixed(1)} ms, /livez p99 ${controlP99.toFixed(1)} ms; resident memory every 10 s ${samples
          .filter((_, at) => at % 10 === 0)
          .map((mb) => mb.toFixed(0))
          .join(' ')} MB, live after a collection ${grown.toFixed(1)} MB more than before`,
        holds: {
          'goodput is at least 90 % of the peak': share >= 0.9,
          'every answer is a 202 or a 503': Object.keys(flood.statuses).every((one) => one === '202' || one === '503'),
          'the crowd was sent': flood.unsentCount < 0.02 * 5 * CAPACITY * FLOOD_S,
          'memory is flat: less than 5 MB more live after a minute': grown < 5,
          'and the process grows no further': peakResident < peakWarm + 50,
          'polls did not notice': polls.shots.every(({ status }) => status === 200) && pollP99 < 100 + controlP99,
          'nobody was admitted behind a 503': seq === admitted,
        },
      },
    };
  },
};

const FREEZE_MS = 30_000;

const frozenLedger: FaultCase = {
  numbers: [48],
  name: 'the database stands still for 30 s under load',
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1', 'w2'], ownDatabase: true });
    const sale = await house.openSale({ stock: 50_000, shards: 4 });
    const [perSecond, before] = [150, 15];
    const load = sale.crowd({ buyers: perSecond * 60, perSecond, polls: false });
    // They follow their tickets; each waits until the end of the freeze and asks about once a second.
    const followers = sale.crowd({ buyers: 600, perSecond: 10, nameOf: (i) => `follower-${i}`, patienceMs: 90_000 });
    await settled(load, perSecond * before, 40_000);
    const pid = house.databaseServer!.pid();
    process.kill(pid, 'SIGSTOP');
    const frozenAt = performance.now();
    const seqBefore = await seqOf(house.redis.raw, sale);
    await sleep(FREEZE_MS);
    const [waiting, rowsAt] = [await backlogOf(house, sale), performance.now()];
    process.kill(pid, 'SIGCONT');
    const seqAfter = await seqOf(house.redis.raw, sale);
    const rowsThen = await rowCount(house, sale);
    await until('work goes on', 20_000, async () => (await rowCount(house, sale)) > rowsThen);
    const resumedMs = Math.round(performance.now() - rowsAt);
    await until('the backlog is gone', 60_000, async () => (await backlogOf(house, sale)) < perSecond);
    const caughtUpMs = Math.round(performance.now() - rowsAt);
    const drained = ((await rowCount(house, sale)) - rowsThen) / ((caughtUpMs - resumedMs + 1) / 1_000);
    await Promise.all([load.ended, followers.ended]);
    const verdict = await sale.check();
    const during = (at: number) => at >= frozenAt && at < frozenAt + FREEZE_MS;
    const polls = followers.history.sightings;
    const p99 = (all: typeof polls) => percentile(all.map(tookMs), 0.99);
    const [pollsBefore, pollsDuring] = [
      polls.filter(({ sentAt }) => sentAt < frozenAt),
      polls.filter(({ sentAt }) => during(sentAt)),
    ];
    const [p99Before, p99During] = [p99(pollsBefore), p99(pollsDuring)];
    const joins = load.history.joins.filter(({ sentAt }) => during(sentAt));
    const lost = verdict.ticketCount - verdict.rowCount - verdict.letterCount;
    return {
      48: {
        injected: `SIGSTOP of the database for ${FREEZE_MS / 1_000} s under ${perSecond + 10} joins/s`,
        seen: `${seqAfter - seqBefore} admitted meanwhile (p99 ${percentile(joins.map(tookMs), 0.99)} ms, ${joins.filter(({ kind }) => kind !== 'ok').length} not), polls p99 ${p99Before} ms of ${pollsBefore.length} before, ${p99During} ms of ${pollsDuring.length} during; ${waiting} waited at its end; work resumed after ${resumedMs} ms, caught up after ${caughtUpMs} ms (${drained.toFixed(0)} rows/s); ${lost} tickets lost`,
        holds: {
          'no ticket was lost': lost === 0,
          'joins went on': joins.every(({ kind }) => kind === 'ok') && seqAfter - seqBefore > 25 * perSecond,
          'polls were as quick as before, within 50 ms': pollsDuring.length > 100 && p99During <= p99Before + 50,
          'no poll failed': followers.history.misses.length === 0,
          'the drain resumed within 10 s and caught up within 30 s': resumedMs < 10_000 && caughtUpMs < 30_000,
        },
        verdict,
      },
    };
  },
};

async function backlogOf(house: House, sale: { id: string }): Promise<number> {
  const [seq, acked] = await house.redis.raw.hmget(keyOf(sale, 'gate'), 'seq', 'settled');
  return Number(seq) - Number(acked);
}

const STOP_S = 60;
/** After this long into the outage the breaker is open: the calls under way have run out, each within its second. */
const OPEN_AFTER_MS = 1_500;
const IDLE_S = 10;

const stopped: FaultCase = {
  numbers: [4, 86],
  name: `Redis stands still under load for ${STOP_S} s`,
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'], ownDatabase: true });
    const sale = await house.openSale({ stock: 100_000, shards: 4 });
    let asked = 0;
    const questions = async () => {
      const [row] = await house.database.sql("SHOW GLOBAL STATUS LIKE 'Questions'");
      asked += 1;
      return Number(row!.Value) - asked;
    };
    await questions();
    const links = () =>
      [house.links.frontDatabase.questionCount(), house.links.workerDatabase.questionCount()] as const;
    const [idleFrom, idleLinks] = [await questions(), links()];
    await sleep(IDLE_S * 1_000);
    const idlePerSecond = ((await questions()) - idleFrom) / IDLE_S;
    const frontIdle = (links()[0] - idleLinks[0]) / IDLE_S;
    const [perSecond, warm] = [300, 20];
    const buyers = perSecond * (warm + STOP_S + 15);
    const crowd = sale.crowd({ buyers, perSecond, polls: false, insists: false, againShare: 0 });
    await settled(crowd, perSecond * warm, 60_000);
    // What costs nothing, asked at the same time: on a busy machine a limit in ms measures the machine.
    const control = steadyLoad(stage.scope, house.front.url, 20, () => ({ method: 'GET', path: '/livez' }));
    const residentBefore = residentMb(house.front.pid);
    const stoppedAt = performance.now();
    house.redis.child().signal('SIGSTOP');
    // Rows that were under way are written; from here on every question is the outage's.
    await sleep(3_000);
    const [questionsFrom, linksFrom, from] = [await questions(), links(), performance.now()];
    await sleep((STOP_S / 3) * 1_000 - 3_000);
    const residentWarm = residentMb(house.front.pid);
    await sleep((STOP_S - STOP_S / 3) * 1_000);
    const questionsDuring = (await questions()) - questionsFrom;
    const seconds = (performance.now() - from) / 1_000;
    const beyond = questionsDuring - idlePerSecond * seconds;
    const [byFront, byWorkers] = links().map((count, index) => count - linksFrom[index]!) as [number, number];
    const resident = residentMb(house.front.pid);
    house.redis.child().signal('SIGCONT');
    const backAt = performance.now();
    const joins = (await crowd.ended).joins;
    await control.stop();
    const verdict = await sale.check();
    const early = joins.filter(({ sentAt }) => sentAt >= stoppedAt && sentAt < stoppedAt + OPEN_AFTER_MS);
    const open = joins.filter(({ sentAt }) => sentAt >= stoppedAt + OPEN_AFTER_MS && sentAt < backAt);
    const after = joins.filter(({ sentAt }) => sentAt >= backAt);
    const lastNo = Math.max(backAt, ...after.filter(({ kind }) => kind !== 'ok').map(({ endedAt }) => endedAt));
    const fullMs = Math.round(lastNo - backAt);
    const took = open.map(tookMs);
    const is503 = (join: JoinAnswer) => join.kind === 'unknown' && join.status === 503;
    const [p50, p99] = [percentile(took, 0.5), percentile(took, 0.99)];
    const calm = control.shots.filter(({ sentAt }) => sentAt >= stoppedAt + OPEN_AFTER_MS && sentAt < backAt);
    const controlP99 = withinMs(calm, 0.99);
    const odd = joins.filter((join) => join.kind !== 'ok' && !is503(join));
    const oddWords = [...new Set(odd.map((join) => ('why' in join ? join.why : '')))].join(', ');
    return {
      4: {
        injected: `SIGSTOP of Redis for ${STOP_S} s, ${open.length} joins after the breaker opened`,
        seen: `503 p50 ${p50} ms, p99 ${p99} ms once open (/livez ${controlP99.toFixed(1)} ms), at most ${Math.round(Math.max(...early.map(tookMs)))} ms before; resident memory ${residentBefore.toFixed(0)} → ${residentWarm.toFixed(0)} → ${resident.toFixed(0)} MB (+${(resident - residentBefore).toFixed(1)}); ${odd.length} joins neither 202 nor 503${odd.length > 0 ? ` (${oddWords})` : ''}`,
        holds: {
          'every join was a 503 once open': open.length > 40 * perSecond && open.every(is503),
          '503 within 50 ms (p99) beside what costs nothing': p99 < 50 + controlP99,
          'every join was answered': odd.length === 0,
          'memory grew by less than 50 MB': resident - residentBefore < 50,
        },
        verdict,
      },
      86: {
        injected: `SIGSTOP of Redis for ${STOP_S} s under ${perSecond} joins/s`,
        seen: `MySQL Questions ${questionsDuring} in ${seconds.toFixed(0)} s, ${beyond.toFixed(0)} beyond the ${idlePerSecond.toFixed(1)}/s of the background; by link: front ${byFront}, workers ${byWorkers}; full service ${(fullMs / 1_000).toFixed(1)} s after it went on`,
        holds: {
          'the front asked MySQL no more than when idle': byFront <= frontIdle * seconds * 1.1 + 5,
          // A worker that looks after gates asks more often which campaigns are live while it cannot see them.
          'workers asked a constant few more a second, whatever the load': beyond <= 10 * seconds,
          'full service within 10 s, by itself':
            fullMs < 10_000 && after.filter(({ kind }) => kind === 'ok').length > 500,
        },
      },
    };
  },
};

export const acceptance: readonly FaultCase[] = [flooded, frozenLedger, stopped];
