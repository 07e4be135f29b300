// What a scrape of a front takes with many campaigns open, in all of which buyers join and wait: its answer must not grow
// with them.
import type { Context, Figure, Sample } from '../figure.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type Front, joinPath, startFront } from '../sluice.ts';

const CAMPAIGNS = 10_000;
const SCRAPES = 20;
/** Requests under way at a time while the campaigns are made known. */
const AT_A_TIME = 16;
const STOCK = 10;

export const scrape: Figure = {
  name: 'scrape',
  ratios: [
    { text: `a scrape with ${CAMPAIGNS} campaigns open, median ms`, bar: { atMost: 100 }, over: 'front.medianMs' },
    { text: 'the same, slowest of a round, ms', bar: { atMost: 100 }, over: 'front.slowestMs' },
    { text: 'its answer, MB', bar: { atMost: 1 }, over: 'front.answerMb' },
  ],
  measure: (context) =>
    alternate(
      context,
      [front(context)],
      ['a buyer has joined each campaign and no worker runs, so that all have a backlog; scraped as OpenMetrics.'],
    ),
};

const front = (context: Context): Contender => ({
  name: 'front',
  async open(stack) {
    const redis = await context.stand.redis();
    const databaseUrl = await (await context.stand.database()).url('scrape');
    const settings = { JOINS_PER_ADDRESS_PER_SECOND: '0' };
    const started = stack.use(await startFront({ redisUrl: redis.url, databaseUrl }, settings));
    const count = context.quick ? 200 : CAMPAIGNS;
    const ids = Array.from({ length: count }, () => context.stand.freshName('scrape'));
    await started.createMany(ids, STOCK);
    await joinEach(started, ids);
    await scrapeOnce(started);
    return () => measureScrapes(started);
  },
});

async function joinEach({ port }: Front, ids: readonly string[]): Promise<void> {
  const left = [...ids];
  const joinSome = async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const url = `http://127.0.0.1:${port}${joinPath(id)}`;
      const answer = await fetch(url, { method: 'POST', headers: { 'x-user-id': 'buyer' } });
      await answer.body?.cancel();
      // The front has not read of the newest ones yet.
      if (answer.status === 404 || answer.status === 503) left.unshift(id);
      else if (answer.status !== 202) throw new Error(`a join was answered ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, joinSome));
}

async function measureScrapes(started: Front): Promise<Sample> {
  const times: number[] = [];
  let bytes = 0;
  for (let n = 0; n < SCRAPES; n += 1) {
    const from = performance.now();
    bytes = await scrapeOnce(started);
    times.push(performance.now() - from);
  }
  const sorted = times.toSorted((one, other) => one - other);
  return { medianMs: sorted[SCRAPES >> 1]!, slowestMs: sorted.at(-1)!, answerMb: bytes / 1e6 };
}

async function scrapeOnce({ telemetryPort }: Front): Promise<number> {
  const headers = { accept: 'application/openmetrics-text;version=1.0.0' };
  const answer = await fetch(`http://127.0.0.1:${telemetryPort}/metrics`, { headers });
  const text = await answer.text();
  if (!text.includes('sluice_campaign_joins_total')) throw new Error(`/metrics answered ${answer.status}`);
  return Buffer.byteLength(text);
}
