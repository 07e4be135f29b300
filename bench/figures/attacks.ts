// Joins beside an attack of one client's means: what it costs buyers who have nothing to do with it. What each attack may
// and may not do is tested in test/attacks/; here is its price.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AttackJob, AttackResult } from '../attacker.ts';
import type { Context, Figure, Sample } from '../figure.ts';
import { type Jobs, runJob, startJobs } from '../jobs.ts';
import { alternate, type Contender } from '../rounds.ts';
import { type Front, joinPath, startFront } from '../sluice.ts';
import { openTokens, type TokenMaker } from '../tokens.ts';
import { openJoins, openTokenJoins } from '../under-load.ts';

/** One client: a script on one machine, which sends this many requests a second over these connections. */
const ATTACK = { ratePerSecond: 1_000, connections: 20 };
/** Different ones, sent in turn: none comes twice while what it met is still remembered. */
const TEXTS = 10_000;
const TICKETS = 20;
const SILENT = { ratePerSecond: 1_000, connections: 990 };
/** Where the attacker is, by a proxy's word: this machine's own address is counted for nobody. */
const ATTACKER = '203.0.113.7';
/** As many as keep the front's core busy: with fewer, what an attack takes of it is idle time. */
const JOIN_CONNECTIONS = 256;
/** Users who come with a token, each again when all have come; a front keeps some 80,000 verified tokens. */
const TOKENS = 60_000;
/** Measurements without the attack and beside it, by turns and short: the speed of a machine that others use drifts within seconds. */
const PAIRS = 10;
const PAIR_SECONDS = 1.5;

const ratio = (name: string, text: string) => ({
  text: `joins/s beside ${text} ÷ without`,
  bar: { atLeast: 0.9 },
  over: `${name}.ratePerSecond` as const,
  under: `${name}.aloneRatePerSecond` as const,
});

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
  ],
  async measure(context) {
    await using stack = new AsyncDisposableStack();
    const scene = await openScene(context, stack);
    const { plain, byToken, tokens } = scene;
    const campaign = context.stand.freshName('attacked');
    await plain.front.createCampaign({ id: campaign, stock: TICKETS + 1 });
    const users = Array.from({ length: TICKETS }, (_, n) => `attacker-${n}`);
    const tickets = await Promise.all(users.map((user) => plain.front.join(campaign, user)));
    const joinWith = (token: string) =>
      request('POST', joinPath(campaign), { authorization: `Bearer ${token}`, 'x-forwarded-for': ATTACKER });
    const flood = (port: number, requests: string[]): AttackJob => ({ do: 'flood', port, requests, ...ATTACK });
    const texts = (make: () => string): string[] => Array.from({ length: context.quick ? 500 : TEXTS }, make);
    const contender = (name: string, { front, joins }: Target, attack: (front: Front) => AttackJob): Contender => ({
      name,
      open: async () => async () => {
        const without: Sample[] = [];
        const beneath: Sample[] = [];
        for (let pair = 0; pair < (context.quick ? 1 : PAIRS); pair += 1) {
          const alone = async () => void without.push(await joins());
          const attacked = async () => void beneath.push(await beside(scene.attacker, joins, attack(front)));
          // Each is the first in every other pair: what comes second finds a warmer front.
          const turns = pair % 2 === 0 ? [alone, attacked] : [attacked, alone];
          for (const turn of turns) await turn();
        }
        const { ratePerSecond: aloneRatePerSecond, p99Ms: aloneP99Ms, frontCpuUs: aloneFrontCpuUs } = meanOf(without);
        return { ...meanOf(beneath), aloneRatePerSecond, aloneP99Ms, aloneFrontCpuUs } as Sample;
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
        contender('silence', plain, ({ telemetryPort }) => ({ do: 'silence', port: telemetryPort, ...SILENT })),
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
      ],
      [
        `Each round measures joins without the attack and beside it ${PAIRS} times, by turns, and tells means.`,
        `an attack sends ${ATTACK.ratePerSecond} requests/s over ${ATTACK.connections} connections, from the core of the load.`,
        'Beside forged tokens and made-up key ids, buyers join by tokens that the front knows; otherwise by X-User-Id.',
      ],
    );
  },
};

interface Target {
  front: Front;
  joins: () => Promise<Sample>;
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
  const few = { ...context, connections: JOIN_CONNECTIONS, seconds: Math.min(context.seconds, PAIR_SECONDS) };
  const started = async (name: string, settings: Record<string, string>): Promise<Front> =>
    stack.use(await startFront({ redisUrl: redis.url, databaseUrl: await database.url(name) }, settings));
  const plain = await started('attacks', {});
  const joins = await openJoins(few, plain, { front: plain.pid, redis: redis.pid });
  const byToken = await started('attacks_jwt', { ...tokens.settings, TRUSTED_PROXIES: '127.0.0.1' });
  const file = join(stand.folder, 'tokens.txt');
  const good = Array.from({ length: context.quick ? 5_000 : TOKENS }, (_, n) => tokens.good(`buyer-${n}`));
  writeFileSync(file, good.join('\n'));
  const pids = { front: byToken.pid, redis: redis.pid };
  const tokenJoins = await openTokenJoins(few, byToken, pids, { file, count: good.length });
  return { attacker, tokens, plain: { front: plain, joins }, byToken: { front: byToken, joins: tokenJoins } };
}

/** The mean of each figure that all samples have. */
function meanOf(samples: readonly Sample[]): Sample {
  const names = Object.keys(samples[0]!).filter((name) => samples.every((sample) => sample[name] !== undefined));
  const mean = (name: string) => samples.reduce((sum, sample) => sum + sample[name]!, 0) / samples.length;
  return Object.fromEntries(names.map((name) => [name, mean(name)]));
}

/** One measurement of joins, and what the attacker has sent meanwhile. */
async function beside(attacker: Jobs, joins: () => Promise<Sample>, attack: AttackJob): Promise<Sample> {
  const startedAt = performance.now();
  await runJob<AttackResult>(attacker, attack);
  const [joined] = await Promise.allSettled([joins()]);
  const { sentCount, statuses } = await runJob<AttackResult>(attacker, { do: 'stop' } satisfies AttackJob);
  if (joined.status === 'rejected') throw joined.reason;
  const seconds = (performance.now() - startedAt) / 1_000;
  const answered = Object.entries(statuses).map(([status, count]) => [`attack${status}PerSecond`, count / seconds]);
  return { ...joined.value, attackPerSecond: sentCount / seconds, ...Object.fromEntries(answered) };
}

function request(method: string, path: string, headers: Record<string, string> = {}): string {
  const lines = Object.entries({ host: 'bench', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = method === 'POST' ? 'content-length: 0\r\n' : '';
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}${length}\r\n`;
}
