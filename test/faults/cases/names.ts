// Names that come from outside: tickets of others, users that look like keys, paths that would become metric labels.
import type { FaultCase } from '../case.ts';
import { between } from '../chance.ts';
import { hashTagOfCampaign } from '../checker/names.ts';
import { openClient } from '../crowd/client.ts';
import { askToJoin } from '../crowd/crowd.ts';
import { percentile, ticketsOf } from '../crowd/history.ts';
import { freePort } from '../stage/child.ts';

const foreignTickets: FaultCase = {
  numbers: [73],
  name: 'a user walks the tickets of others, by poll, long-poll and stream',
  quick: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 60, shards: 2 });
    const history = await sale.crowd({ buyers: 60, perSecond: 200 }).ended;
    const client = openClient(house.front.url, { socketsMax: 8 });
    const held = [...ticketsOf(history)].map(([user, [ticket]]) => ({ user, ticket: ticket! }));
    const waysIn: Record<string, string>[] = [{}, { prefer: 'wait=1' }, { accept: 'text/event-stream' }];
    const bodies = new Set<string>();
    const times = { foreign: [] as number[], forged: [] as number[] };
    let leaks = 0;
    let cacheable = 0;
    const look = async (ticket: string, user: string, headers: Record<string, string>) => {
      const from = performance.now();
      const answer = await client.ask(`/v1/tickets/${ticket}`, { headers: { 'x-user-id': user, ...headers } });
      if ('unknown' in answer) return performance.now() - from;
      if (answer.status !== 404) leaks += 1;
      if (answer.headers['cache-control'] !== 'no-store') cacheable += 1;
      bodies.add(answer.text);
      return performance.now() - from;
    };
    for (const [index, { ticket }] of held.entries()) {
      const thief = held[(index + between(stage.chance, 1, held.length - 1)) % held.length]!.user;
      for (const headers of waysIn) times.foreign.push(await look(ticket, thief, headers));
      const forged = `${ticket.slice(0, -1)}${ticket.endsWith('A') ? 'B' : 'A'}`;
      for (const headers of waysIn) times.forged.push(await look(forged, thief, headers));
    }
    const admin = await Promise.all(
      ['/admin/campaigns', `/admin/campaigns/${sale.id}`].map((path) => client.ask(path)),
    );
    client.close();
    const verdict = await sale.check();
    const [foreign, forged] = [percentile(times.foreign, 0.5), percentile(times.forged, 0.5)];
    return {
      73: {
        injected: `${times.foreign.length} looks at tickets of others, ${times.forged.length} at forged ones`,
        seen: `${leaks} leaks, ${bodies.size} body for all, p50 ${foreign} ms and ${forged} ms`,
        holds: {
          'nobody read another’s ticket': leaks === 0,
          'foreign and forged look the same': bodies.size === 1,
          'and take the same time': Math.max(foreign, forged) < 2 * Math.min(foreign, forged),
          'nothing of it may be kept by a cache': cacheable === 0,
          'the admin API is not on this port': admin.every((answer) => 'status' in answer && answer.status === 404),
        },
        verdict,
      },
    };
  },
};

const USERS = [
  'x}{y',
  '{other}:gate',
  'a:b',
  'a',
  'b:c',
  '}:users:0',
  'sluice:{sale-1}:gate',
  'sluice:{04s}:sale-1:gate',
  '%7Bx%7D',
  '../../etc',
  '$(reboot)',
  "'; DROP TABLE issuances; --",
  'a\\r\\nSET x 1',
  '*3',
  '~',
];
const CAMPAIGNS = ['{x}', 'a:b', 'A', '-a', 'a'.repeat(64), '__proto__', 'a{b', '%7Bx%7D', '..', 'a%00'];

const injectedKeys: FaultCase = {
  numbers: [76],
  name: 'users and campaigns whose names look like Redis keys',
  quick: true,
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 400, shards: 4 });
    const letters = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index));
    const nameOf = (index: number) => {
      if (index < USERS.length) return USERS[index]!;
      // Any printable letters; never a space at either end.
      const length = between(stage.chance, 1, 30);
      return `${index}${Array.from({ length }, () => letters[between(stage.chance, 0, 93)]).join('')}`;
    };
    const names = Array.from({ length: 300 }, (_, index) => nameOf(index));
    const before = await house.redis.raw.keys('*');
    const history = await sale.crowd({ buyers: 300, perSecond: 300, nameOf: (index) => names[index]! }).ended;
    const client = openClient(house.front.url);
    const strange = await Promise.all(CAMPAIGNS.map((id) => askToJoin(client, encodeURIComponent(id), 'ann')));
    client.close();
    const verdict = await sale.check();
    const made = (await house.redis.raw.keys('*')).filter((key) => !before.includes(key));
    const allowed = new RegExp(
      `^sluice:\\{${hashTagOfCampaign(sale.id)}\\}:${sale.id}:(free|exceptions|work:\\d+|users:\\d+|gate)$|^\\{sluice-retry\\}:issuance:`,
    );
    const foreign = made.filter((key) => !allowed.test(key) && !key.startsWith('sluice:limit:'));
    const tags = new Set(made.filter((key) => key.includes(sale.id)).map(hashTagOf));
    const users = new Set(verdict.ledger.rows.map(({ user }) => user));
    return {
      76: {
        injected: `${names.length} users of any printable letters, ${CAMPAIGNS.length} campaign names`,
        seen: `${made.length} keys made, all in ${tags.size} hash tag; ${ticketsOf(history).size} tickets, ${users.size} users`,
        holds: {
          [`every key is one of ours (${foreign.slice(0, 3).join(' ')})`]: foreign.length === 0,
          'all of a campaign lie in one slot': tags.size === 1,
          'every user has a ticket of their own': users.size === new Set(names).size,
          'no strange campaign exists': strange.every(({ status }) => status === 404 || status === 400),
        },
        verdict,
      },
    };
  },
};

/** What decides about the slot: the text between the first braces. */
const hashTagOf = (key: string): string => /\{([^}]+)\}/.exec(key)?.[1] ?? key;

const PATHS = 2_000;

const cardinality: FaultCase = {
  numbers: [79],
  name: 'thousands of random paths, campaigns and users against the metrics',
  run: async (stage) => {
    const port = await freePort();
    const house = await stage.house({ front: { TELEMETRY: 'on', TELEMETRY_PORT: String(port) } });
    const sale = await house.openSale({ stock: 100, shards: 2 });
    const client = openClient(house.front.url);
    await sale.crowd({ buyers: 100, perSecond: 400, polls: false }).ended;
    const scrape = async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return { text, series: text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length };
    };
    const word = () => Math.floor(stage.chance() * 1e9).toString(36);
    const askAtRandom = async () => {
      for (let round = 0; round < PATHS / 50; round += 1) {
        await Promise.all(
          Array.from({ length: 50 }, (_, index) =>
            index % 2 === 0
              ? client.ask(`/${word()}/${word()}`, { method: index % 4 === 0 ? 'GET' : 'POST' })
              : askToJoin(client, `stranger-${word()}`, word()),
          ),
        );
      }
    };
    // Each status, method and refusal is a series from its first answer on: what is counted are those that come of more names.
    await askAtRandom();
    const before = await scrape();
    await askAtRandom();
    const after = await scrape();
    const exposed = await Promise.all([house.front.url, house.front.adminUrl].map((url) => fetch(`${url}/metrics`)));
    client.close();
    return {
      79: {
        injected: `${PATHS} random paths, methods, campaigns and users, and ${PATHS} more`,
        seen: `${before.series} series after the first, ${after.series} after all`,
        holds: {
          'the number of series did not grow with them': after.series === before.series,
          'no set of labels overflowed': !/otel_metric_overflow/.test(after.text),
          'no user and no campaign that does not exist is in them': !/buyer-|stranger-/.test(
            after.text.replace(/^#.*$/gm, ''),
          ),
          'neither public nor admin port has them': exposed.every(({ status }) => status === 404),
        },
      },
    };
  },
};

export const names: readonly FaultCase[] = [foreignTickets, injectedKeys, cardinality];
