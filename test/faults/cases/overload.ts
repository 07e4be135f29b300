// More than can be served: herds that come back together, a front at its limit, one user who wants everything.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { FaultCase } from '../case.ts';
import { openClient } from '../crowd/client.ts';
import { askToJoin } from '../crowd/crowd.ts';
import { countJoins, type JoinAnswer, percentile } from '../crowd/history.ts';
import { openRaw } from '../crowd/raw.ts';
import { residentMb } from './watch.ts';

const HERD = 1_500;
const RATE = 150;

const herd: FaultCase = {
  numbers: [82],
  name: 'a herd that comes at once and obeys Retry-After',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: HERD, shards: 4, ratePerSecond: RATE, burst: RATE });
    const plan = { buyers: HERD, perSecond: 3_000, obeys: true, polls: false, againShare: 0, patienceMs: 40_000 };
    const history = await sale.crowd(plan).ended;
    const first = Math.min(...history.joins.map(({ sentAt }) => sentAt));
    // Those who came back: who came first came together by themselves.
    const back = history.joins.filter(
      (join, index) => history.joins.findIndex(({ user }) => user === join.user) !== index,
    );
    const seconds = new Map<number, number>();
    for (const { sentAt } of back) {
      const second = Math.floor((sentAt - first) / 1_000);
      seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    const peak = Math.max(...seconds.values());
    const mean = back.length / seconds.size;
    const verdict = await sale.check();
    const refused = history.joins.filter((join): join is JoinAnswer & { kind: 'refused' } => join.kind === 'refused');
    return {
      82: {
        injected: `${HERD} clients within half a second, ${RATE} admitted a second`,
        seen: `${back.length} came back over ${seconds.size} s, peak ${peak}/s, mean ${mean.toFixed(0)}/s`,
        holds: {
          'the peak is at most three times the mean': peak <= 3 * mean,
          'every refusal said when to come back': refused.every(({ retryAfterMs }) => (retryAfterMs ?? 0) >= 1_000),
          'all were admitted': countJoins(history, ({ kind }) => kind === 'ok') === HERD,
        },
        verdict,
      },
    };
  },
};

const FEW = 32;
const MANY = 1_000;
const ROUND_MS = 4_000;

/** Clients that ask again the moment they have an answer; how many got a ticket, and how many a 503. */
async function hammer(url: string, campaign: string, clients: number, name: string) {
  let isOver = false;
  let [admitted, shed, sent] = [0, 0, 0];
  const one = (client: number) =>
    new Promise<void>((resolve) => {
      const { socket } = openRaw(url);
      let count = 0;
      let rest = '';
      const ask = () => {
        if (isOver) return void socket.end();
        sent += 1;
        count += 1;
        const user = `${name}-${client}-${count}`;
        socket.write(
          `POST /v1/campaigns/${campaign}/tickets HTTP/1.1\r\nHost: x\r\nX-User-Id: ${user}\r\nContent-Length: 0\r\n\r\n`,
        );
      };
      socket.on('data', (chunk: Buffer) => {
        rest += chunk.toString('latin1');
        const length = /content-length: (\d+)/i.exec(rest)?.[1];
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0 || length === undefined || rest.length < end + 4 + Number(length)) return;
        if (rest.startsWith('HTTP/1.1 202')) admitted += 1;
        else if (rest.startsWith('HTTP/1.1 503')) shed += 1;
        rest = '';
        ask();
      });
      socket.on('connect', ask);
      socket.on('close', () => resolve());
    });
  const all = Promise.all(Array.from({ length: clients }, (_, index) => one(index)));
  const from = performance.now();
  await sleep(ROUND_MS);
  isOver = true;
  const seconds = (performance.now() - from) / 1_000;
  const result = { perSecond: Math.round(admitted / seconds), shed, sent };
  await Promise.race([all, sleep(5_000)]);
  return result;
}

const saturated: FaultCase = {
  numbers: [84],
  name: 'thirty times the clients that saturate a front, each asking again at once',
  run: async (stage) => {
    const house = await stage.house({
      redis: { settings: { appendfsync: 'everysec' } },
      front: { DURABILITY: 'memory' },
    });
    const sale = await house.openSale({ stock: 2_000_000, shards: 4 });
    const { url, pid } = house.front;
    await hammer(url, sale.id, FEW, 'warm');
    const peak = await hammer(url, sale.id, FEW, 'few');
    const residentBefore = residentMb(pid);
    const healthy: number[] = [];
    let isOver = false;
    const health = (async () => {
      while (!isOver) {
        const from = performance.now();
        const status = await fetch(`${url}/livez`).then((answer) => answer.status);
        healthy.push(status === 200 ? performance.now() - from : Number.POSITIVE_INFINITY);
        await sleep(50);
      }
    })();
    const crowded = await hammer(url, sale.id, MANY, 'many');
    isOver = true;
    await health;
    const grown = residentMb(pid) - residentBefore;
    const p99 = percentile(healthy, 0.99);
    return {
      84: {
        injected: `${MANY} clients without a pause, after ${FEW}`,
        seen: `${crowded.perSecond} tickets/s with ${crowded.shed} shed, ${peak.perSecond}/s before; /livez p99 ${p99} ms; resident memory +${grown.toFixed(0)} MB`,
        holds: {
          'goodput is at least 90 % of the peak': crowded.perSecond >= 0.9 * peak.perSecond,
          'health is told all the same': p99 < 1_000,
          'memory does not grow with the crowd': grown < 150,
        },
      },
    };
  },
};

const HOG_WIDTH = 20;

const greedy: FaultCase = {
  numbers: [87],
  name: 'one user sends nine tenths of the joins of a sale whose rate is limited',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 400, shards: 4, ratePerSecond: 100, burst: 20 });
    const client = openClient(house.front.url, { socketsMax: HOG_WIDTH });
    let isOver = false;
    const hogged: JoinAnswer[] = [];
    const hogging = Promise.all(
      Array.from({ length: HOG_WIDTH }, async () => {
        while (!isOver) {
          hogged.push(await askToJoin(client, sale.id, 'hog'));
          await sleep(40);
        }
      }),
    );
    await sleep(300);
    const honest = sale.crowd({ buyers: 250, perSecond: 50, againShare: 0 });
    const history = await honest.ended;
    isOver = true;
    await hogging;
    await sale.crowd({ buyers: 1, perSecond: 1, nameOf: () => 'hog' }).ended;
    const atOnce = new Set<string>();
    const firsts = history.joins.filter(({ user }) => !atOnce.has(user) && atOnce.add(user));
    const share = firsts.filter(({ kind }) => kind === 'ok').length / firsts.length;
    // The rest of the stock, then losers who must cost Redis nothing.
    await sale.crowd({ buyers: 160, perSecond: 200, polls: false, nameOf: (index) => `rest-${index}` }).ended;
    await sleep(1_000);
    const callsBefore = await scriptCalls(house.redis.raw);
    const losers = await sale.crowd({ buyers: 1_000, perSecond: 600, polls: false, nameOf: (i) => `loser-${i}` }).ended;
    const calls = (await scriptCalls(house.redis.raw)) - callsBefore;
    client.close();
    const verdict = await sale.check();
    const tickets = new Set(hogged.flatMap((join) => (join.kind === 'ok' ? [join.ticket] : [])));
    const refused = hogged.filter(({ kind }) => kind === 'refused').length;
    return {
      87: {
        injected: `${hogged.length} joins of one user beside ${firsts.length} of others; then ${losers.joins.length} losers`,
        seen: `${(share * 100).toFixed(1)} % of the others admitted at their first join, the hog refused ${refused} times; ${calls} script calls for the losers`,
        holds: {
          'the hog sent most of the joins': hogged.length > 5 * firsts.length || hogged.length > 1_000,
          'others got 95 % of their share': share >= 0.95,
          'the hog has one ticket': tickets.size === 1,
          'losers cost Redis next to nothing': calls <= 60,
        },
        verdict,
      },
    };
  },
};

async function scriptCalls(redis: Redis): Promise<number> {
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
}

export const overload: readonly FaultCase[] = [herd, saturated, greedy];
