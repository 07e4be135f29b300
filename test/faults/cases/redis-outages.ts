// Redis that is away, stands still or is slow: joins fail closed and at once, and nothing happens behind a buyer's back.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import { type Client, openClient } from '../crowd/client.ts';
import { askToJoin } from '../crowd/crowd.ts';
import { countJoins, type JoinAnswer, percentile, tookMs } from '../crowd/history.ts';
import type { House } from '../stage/stage.ts';
import { isReady, residentMb, seqOf, settled } from './watch.ts';

/** How Redis stands still, and how it goes on. */
const STALLS: Record<string, (house: House) => Promise<() => Promise<unknown>>> = {
  SIGSTOP: async ({ redis }) => {
    redis.child().signal('SIGSTOP');
    return async () => redis.child().signal('SIGCONT');
  },
  'CLIENT PAUSE': async ({ redis }) => {
    await redis.raw.client('PAUSE', 1_500, 'ALL');
    return () => sleep(1_500);
  },
  'a link that holds': async ({ links }) => {
    links.frontRedis.set('hold');
    return async () => links.frontRedis.set('pass');
  },
  'refused connections': async ({ links }) => {
    links.frontRedis.set('reset');
    return async () => links.frontRedis.set('pass');
  },
};
const GHOSTS = 40;

const ghosts: FaultCase = {
  numbers: [3],
  name: 'joins whose patience ended while Redis stood still',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 300, shards: 4 });
    await sale.crowd({ buyers: 20, perSecond: 200 }).ended;
    const client = openClient(house.front.url, { socketsMax: GHOSTS });
    const ghostCounts: Record<string, number> = {};
    let late = 0;
    for (const [how, stall] of Object.entries(STALLS)) {
      const before = await seqOf(house.redis.raw, sale);
      const callsBefore = await scriptCalls(house);
      const goOn = await stall(house);
      const answers = await joinAll(client, sale.id, how);
      await goOn();
      // The connections that were given up are replaced; what they carried has run by then or never will.
      await until('the front is ready', 5_000, () => isReady(house));
      await sleep(300);
      late += (await scriptCalls(house)) - callsBefore;
      const admitted = answers.filter(({ kind }) => kind === 'ok').length;
      ghostCounts[how] = (await seqOf(house.redis.raw, sale)) - before - admitted;
      await until('all of them are admitted on asking again', 8_000, async () =>
        (await joinAll(client, sale.id, how)).every(({ kind }) => kind === 'ok'),
      );
    }
    // They are judged as buyers are: their tickets are asked for once more.
    const names = Object.keys(STALLS).flatMap((how) => namesOf(how));
    await sale.crowd({ buyers: names.length, perSecond: 400, nameOf: (index) => names[index]! }).ended;
    client.close();
    const verdict = await sale.check();
    const ghostCount = Object.values(ghostCounts).reduce((sum, count) => sum + count, 0);
    return {
      3: {
        injected: `${GHOSTS} joins each during ${Object.keys(STALLS).join(', ')}`,
        seen: `${late} script calls ran late, ${ghostCount} ghosts, all ${names.length} admitted once on asking again`,
        holds: {
          'calls ran after their deadline': late > 0,
          'nobody was admitted whose answer had been "unknown"': ghostCount === 0,
          'each was admitted once': verdict.gate.seq === 20 + names.length,
        },
        verdict,
      },
    };
  },
};

const namesOf = (how: string): string[] =>
  Array.from({ length: GHOSTS }, (_, index) => `${how.replaceAll(' ', '-')}-${index}`);

const joinAll = (client: Client, campaign: string, how: string): Promise<JoinAnswer[]> =>
  Promise.all(namesOf(how).map((user) => askToJoin(client, campaign, user)));

async function scriptCalls({ redis }: House): Promise<number> {
  const stats = await redis.raw.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

/** A front reads which campaigns there are this often, whatever the load. */
const ROLL_READ_MS = 5_000;

/** Redis is killed under load and stays away. */
const outage = (seconds: number, slow: boolean): FaultCase => ({
  numbers: [4, 86],
  name: `Redis is killed under load and away for ${seconds} s`,
  slow,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 100_000, shards: 4 });
    const perSecond = 300;
    const crowd = sale.crowd({ buyers: 400, perSecond, polls: false });
    await crowd.ended;
    const questions = () => house.links.frontDatabase.questionCount() + house.links.workerDatabase.questionCount();
    const frontQuestions = house.links.frontDatabase.questionCount();
    const [before, from] = [questions(), performance.now()];
    // Under load for a third as long: what a young process takes to warm up is not what an outage costs.
    const warm = Math.max(3, seconds / 3) * perSecond;
    await sale.crowd({ buyers: warm, perSecond, polls: false, nameOf: (i) => `before-${i}` }).ended;
    const questionsBefore = ((questions() - before) / (performance.now() - from)) * 1_000;

    const residentBefore = residentMb(house.front.pid);
    await house.redis.stop('SIGKILL');
    await until('the front has noticed', 3_000, async () => !(await isReady(house)));
    const [downAt, questionsAt] = [performance.now(), questions()];
    const buyers = perSecond * seconds;
    const during = sale.crowd({ buyers, perSecond, polls: false, insists: false, nameOf: (i) => `during-${i}` });
    await settled(during, buyers / 3, seconds * 1_000);
    const residentWarm = residentMb(house.front.pid);
    const refused = (await during.ended).joins;
    const questionsDuring = ((questions() - questionsAt) / (performance.now() - downAt)) * 1_000;
    const resident = residentMb(house.front.pid);
    await house.redis.start();
    const backAt = performance.now();
    const after = sale.crowd({ buyers: 100, perSecond: 200, nameOf: (i) => `after-${i}` });
    await settled(after, 1);
    const backMs = Math.round(performance.now() - backAt);
    await after.ended;
    const frontAsked = house.links.frontDatabase.questionCount() - frontQuestions;
    const rollsRead = Math.ceil((performance.now() - from) / ROLL_READ_MS);
    const verdict = await sale.check();
    const took = refused.map(tookMs);
    const [p50, p99] = [percentile(took, 0.5), percentile(took, 0.99)];
    const retryAfters = new Set(refused.map((join) => ('retryAfterMs' in join ? join.retryAfterMs : 0)));
    return {
      4: {
        injected: `kill -9 of Redis, ${refused.length} joins while it was away`,
        seen: `503 p50 ${p50} ms, p99 ${p99} ms, resident memory ${residentBefore.toFixed(0)} → ${residentWarm.toFixed(0)} → ${resident.toFixed(0)} MB, first answer ${backMs} ms after the restart`,
        holds: {
          'every join was a 503': refused.every(({ kind, ...join }) => kind === 'unknown' && join.status === 503),
          'each with a Retry-After, jittered': !retryAfters.has(undefined) && retryAfters.size > 1,
          '503 within 50 ms (p99)': p99 < 50,
          // The first third warms the heap up to this kind of answer; a queue would go on growing.
          'memory grew by less than 50 MB after that': resident - residentWarm < 50,
        },
        verdict,
      },
      86: {
        injected: `kill -9 of Redis under ${perSecond} joins/s`,
        seen: `questions to MySQL ${questionsBefore.toFixed(1)}/s before, ${questionsDuring.toFixed(1)}/s during; of the front ${frontAsked}, which reads its roll of campaigns every ${ROLL_READ_MS / 1_000} s`,
        holds: {
          'MySQL was asked no more than before': questionsDuring <= questionsBefore * 1.1 + 1,
          'no join was ever sent to MySQL': frontAsked <= rollsRead + 1,
          'it recovered by itself': countJoins(after.history, ({ kind }) => kind === 'ok') >= 100,
        },
      },
    };
  },
});

export const redisOutages: readonly FaultCase[] = [ghosts, outage(5, false), outage(60, true)];
