// Joins beside an attack of one client's means: what it costs buyers who have nothing to do with it. What each attack may
// and may not do is tested in test/attacks/; here is its price.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { keys } from '../../src/redis/keys.ts';
import type { Attack, AttackJob, AttackResult } from '../attacker.ts';
import { CLIENT_ADDRESS, openClientAddress } from '../client-address.ts';
import type { Context, Figure, Sample } from '../figure.ts';
import { type Jobs, runJob, startJobs } from '../jobs.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type Front, joinPath, SHARDS, startFront } from '../sluice.ts';
import { openTokens, type TokenMaker } from '../tokens.ts';
import { type Target as Joined, openJoins, openTokenJoins, underLoad } from '../under-load.ts';

/** One client: a script on one machine, which sends this many requests a second over these connections. */
const ATTACK = { ratePerSecond: 1_000, connections: 20 };
/** Different ones, sent in turn: none comes twice while what it met is still remembered. */
const TEXTS = 10_000;
const TICKETS = 20;
/** Of the loopback: a front that trusts it reads it as fast as it can. */
const PROXY = '127.0.0.1';
const SILENT = { ratePerSecond: 1_000, connections: 990 };
/** As many as keep the front's core busy: with fewer, what an attack takes of it is idle time. */
const JOIN_CONNECTIONS = 256;
/**
 * Users who come with a token, once to each campaign of a load; a front keeps some 80,000 verified tokens. The counts have
 * no common divisor, so that each comes to each.
 */
const TOKENS = 60_001;
const TOKENS_QUICK = 20_001;
const TOKEN_CAMPAIGNS = 4;
/**
 * Within one load the attack comes and goes, in turns: the speed of a machine that others use drifts within seconds, and no
 * load is like the one before it. A turn is longer than a front leaves a connection unread. Each load is of a new campaign.
 */
const FULL: Course = { loads: 5, turns: 4, turnMs: 2_500, settleMs: 800 };
const QUICK: Course = { loads: 1, turns: 2, turnMs: 200, settleMs: 100 };
/** What turns need beside their length, ms. */
const SPARE_MS = 2_000;
/** The quota of a ticket is on, as it is by default. */
const POLLS = { POLLS_PER_CLIENT_PER_SECOND: '20' };
/** No front is faster on one core. */
const JOINS_PER_SECOND_MAX = 40_000;

const beside = (name: string, text: string) => ({
  text: `joins/s beside ${text} ÷ without`,
  over: `${name}.ratePerSecond` as const,
  under: `${name}.aloneRatePerSecond` as const,
});

const ratio = (name: string, text: string) => ({ ...beside(name, text), bar: { atLeast: 0.9 } });

export const attacks: Figure = {
  name: 'attacks',
  ratios: [
    ratio('heads', 'HEAD of a ticket that asks for a stream'),
    ratio('giveBacks', `DELETE again and again of ${TICKETS} tickets`),
    ratio('guesses', 'made-up campaign ids'),
    ratio('silence', `${SILENT.connections} silent connections to the telemetry port`),
    ratio('adminTokens', 'wrong admin tokens'),
    ratio('forged', 'forged tokens'),
    ratio('unknownKeys', 'tokens of made-up key ids'),
    // For comparison: what any request costs, and a request of the dearest attack where a front cannot slow its client.
    beside('healthChecks', 'health checks, no attack'),
    beside('behindProxy', 'tokens of made-up key ids from behind a proxy'),
  ],
  async measure(context) {
    await using stack = new AsyncDisposableStack();
    const scene = await openScene(context, stack);
    const { plain, byToken, tokens, attacker } = scene;
    const course = courseOf(context);
    const campaign = context.stand.freshName('attacked');
    await plain.front.createCampaign({ id: campaign, stock: TICKETS + 1 });
    const users = Array.from({ length: TICKETS }, (_, n) => `attacker-${n}`);
    const tickets = await Promise.all(users.map((user) => plain.front.join(campaign, user)));
    const joinWith = (token: string, headers: Record<string, string> = {}) =>
      request('POST', joinPath(campaign), { authorization: `Bearer ${token}`, ...headers });
    const address = CLIENT_ADDRESS;
    const flood = (port: number, requests: string[]): Attack => ({ kind: 'flood', port, address, requests, ...ATTACK });
    const texts = (make: () => string): string[] => Array.from({ length: context.quick ? 500 : TEXTS }, make);
    const contender = (name: string, target: Target, attack: (front: Front) => Attack): Contender => ({
      name,
      open: async () => async () => {
        await runJob<AttackResult>(attacker, { do: 'prepare', attack: attack(target.front) } satisfies AttackJob);
        const turns: Turn[] = [];
        try {
          for (let n = 0; n < course.loads; n += 1) turns.push(...(await turnsOf(target, course, attacker)));
        } finally {
          // A load that failed may have left it at work.
          await runJob<AttackResult>(attacker, { do: 'stop' } satisfies AttackJob);
        }
        return sampleOf(turns);
      },
    });
    return await alternate(
      context,
      [
        contender('heads', plain, ({ port }) =>
          flood(
            port,
            tickets.map((ticket) => request('HEAD', `/v1/tickets/${ticket}`, { accept: 'text/event-stream' })),
          ),
        ),
        contender('giveBacks', plain, ({ port }) =>
          flood(
            port,
            tickets.map((ticket, n) => request('DELETE', `/v1/tickets/${ticket}`, { 'x-user-id': users[n]! })),
          ),
        ),
        contender('guesses', plain, ({ port }) =>
          flood(
            port,
            texts(() => request('GET', `/v1/campaigns/${randomBytes(8).toString('hex')}`)),
          ),
        ),
        contender('silence', plain, ({ telemetryPort }) => ({
          kind: 'silence',
          port: telemetryPort,
          address,
          ...SILENT,
        })),
        contender('adminTokens', plain, ({ adminPort }) =>
          flood(
            adminPort,
            texts(() =>
              request('GET', '/admin/campaigns', { authorization: `Bearer ${randomBytes(16).toString('hex')}` }),
            ),
          ),
        ),
        contender('forged', byToken, ({ port }) =>
          flood(
            port,
            texts(() => joinWith(tokens.forged())),
          ),
        ),
        contender('unknownKeys', byToken, ({ port }) =>
          flood(
            port,
            texts(() => joinWith(tokens.ofUnknownKey())),
          ),
        ),
        contender('healthChecks', plain, ({ port }) => flood(port, [request('GET', '/livez')])),
        contender('behindProxy', byToken, ({ port }) => ({
          ...flood(
            port,
            texts(() => joinWith(tokens.ofUnknownKey(), { 'x-forwarded-for': CLIENT_ADDRESS })),
          ),
          address: PROXY,
        })),
      ],
      [
        `Each round is ${course.loads} loads of new campaigns; within each the attack comes and goes in ${course.turns} turns of ${course.turnMs} ms. Means of all turns.`,
        `an attack sends ${ATTACK.ratePerSecond} requests/s over ${ATTACK.connections} connections, from the core of the load.`,
        'Beside forged tokens and made-up key ids, buyers join by tokens that the front knows; otherwise by X-User-Id.',
      ],
    );
  },
};

interface Course {
  loads: number;
  turns: number;
  turnMs: number;
  /** Until a load is under way. */
  settleMs: number;
}

const courseOf = ({ quick }: Context): Course => (quick ? QUICK : FULL);

interface Target {
  front: Front;
  /** Loads new campaigns, for `seconds`. */
  load: (seconds: number) => Promise<Loading>;
  redis: Redis;
}

interface Loading {
  campaigns: readonly string[];
  /** Rejects when it was not as it should be. */
  ended: Promise<unknown>;
}

interface Turn {
  isAttacked: boolean;
  seconds: number;
  joinCount: number;
  attack: AttackResult;
}

interface Scene {
  attacker: Jobs;
  tokens: TokenMaker;
  plain: Target;
  byToken: Target;
}

async function openScene(context: Context, stack: AsyncDisposableStack): Promise<Scene> {
  const { stand } = context;
  const redis = await stand.redis();
  const database = await stand.database();
  const tokens = stack.use(await openTokens());
  const attacker = stack.use(await startJobs('load', new URL('../attacker.ts', import.meta.url), []));
  const few = { ...context, connections: JOIN_CONNECTIONS, seconds: 1 };
  const clients = new Redis(redis.url);
  stack.defer(() => clients.disconnect());
  const started = async (name: string, settings: Record<string, string>): Promise<Front> =>
    stack.use(await startFront({ redisUrl: redis.url, databaseUrl: await database.url(name) }, settings));
  const target = (front: Front, campaignCount: number, joins: Pick<Joined, 'tokensFile'>): Target => ({
    front,
    redis: clients,
    async load(seconds) {
      const campaigns = Array.from({ length: campaignCount }, () => stand.freshName('attacked'));
      const stock = Math.ceil(JOINS_PER_SECOND_MAX * seconds);
      for (const id of campaigns) await front.createCampaign({ id, stock });
      const crowd = joins.tokensFile === undefined ? { crowd: campaigns[0]! } : {};
      const load: Joined = { port: front.port, method: 'POST', paths: campaigns.map(joinPath), ...joins, ...crowd };
      const ended = underLoad(few, load, { front: front.pid, redis: redis.pid }, seconds);
      // Whoever measures beside it may fail first.
      ended.catch(() => undefined);
      return { campaigns, ended };
    },
  });
  stack.use(openClientAddress());
  const plain = await started('attacks', POLLS);
  // Warms it up.
  await openJoins(few, plain, { front: plain.pid, redis: redis.pid });
  const byToken = await started('attacks_jwt', { ...POLLS, ...tokens.settings, TRUSTED_PROXIES: PROXY });
  const file = join(stand.folder, 'tokens.txt');
  const good = Array.from({ length: context.quick ? TOKENS_QUICK : TOKENS }, (_, n) => tokens.good(`buyer-${n}`));
  writeFileSync(file, good.join('\n'));
  await openTokenJoins(few, byToken, { front: byToken.pid, redis: redis.pid }, { file, count: good.length });
  return {
    attacker,
    tokens,
    plain: target(plain, 1, {}),
    byToken: target(byToken, TOKEN_CAMPAIGNS, { tokensFile: file }),
  };
}

/** One load, beside which the attack comes and goes: without, with, with, without, and again. */
async function turnsOf(
  { load, redis }: Target,
  { turns: turnCount, turnMs, settleMs }: Course,
  attacker: Jobs,
): Promise<Turn[]> {
  const { campaigns, ended } = await load((settleMs + turnCount * turnMs + SPARE_MS) / 1_000);
  const streams = campaigns.flatMap((id) => keys.works({ id, shards: SHARDS }));
  const admittedCount = async (): Promise<number> => {
    const lengths = await Promise.all(streams.map((stream) => redis.xlen(stream)));
    return lengths.reduce((sum, length) => sum + length, 0);
  };
  const over = ended.then(() => Promise.reject(new Error('the load ended before the turns did')));
  over.catch(() => undefined);
  while ((await admittedCount()) === 0) await Promise.race([sleep(10), over]);
  await sleep(settleMs);
  const turns: Turn[] = [];
  for (let n = 0; n < turnCount; n += 1) {
    const isAttacked = n % 4 === 1 || n % 4 === 2;
    if (isAttacked) await runJob<AttackResult>(attacker, { do: 'start' } satisfies AttackJob);
    const [startedAt, before] = [performance.now(), await admittedCount()];
    await Promise.race([sleep(turnMs), over]);
    const [endedAt, after] = [performance.now(), await admittedCount()];
    const told = isAttacked
      ? await runJob<AttackResult>(attacker, { do: 'stop' } satisfies AttackJob)
      : { sentCount: 0, statuses: {} };
    turns.push({ isAttacked, seconds: (endedAt - startedAt) / 1_000, joinCount: after - before, attack: told });
  }
  await ended;
  return turns;
}

/** Of what is measured in one turn, the sum over all seconds of such turns. */
function sampleOf(turns: readonly Turn[]): Sample {
  const { true: attacked = [], false: alone = [] } = Object.groupBy(turns, ({ isAttacked }) => `${isAttacked}`);
  const perSecond = (some: readonly Turn[], count: (turn: Turn) => number) =>
    some.reduce((sum, turn) => sum + count(turn), 0) / some.reduce((sum, { seconds }) => sum + seconds, 0);
  const aloneRatePerSecond = perSecond(alone, ({ joinCount }) => joinCount);
  const ratePerSecond = perSecond(attacked, ({ joinCount }) => joinCount);
  const attackPerSecond = perSecond(attacked, ({ attack }) => attack.sentCount);
  const statuses = new Set(attacked.flatMap(({ attack }) => Object.keys(attack.statuses)));
  const answered = [...statuses].map((status) => [
    `attack${status}PerSecond`,
    perSecond(attacked, ({ attack }) => attack.statuses[status] ?? 0),
  ]);
  const joinsPerAttack = (aloneRatePerSecond - ratePerSecond) / attackPerSecond;
  return { ratePerSecond, aloneRatePerSecond, attackPerSecond, joinsPerAttack, ...Object.fromEntries(answered) };
}

function request(method: string, path: string, headers: Record<string, string> = {}): string {
  const lines = Object.entries({ host: 'bench', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = method === 'POST' ? 'content-length: 0\r\n' : '';
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}${length}\r\n`;
}
