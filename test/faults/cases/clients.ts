// Clients that drip, lie, leave or pry.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase } from '../case.ts';
import { between, type Chance, oneOf } from '../chance.ts';
import { openClient } from '../crowd/client.ts';
import { askToJoin } from '../crowd/crowd.ts';
import { countJoins, percentile, ticketsOf, tookMs } from '../crowd/history.ts';
import { openRaw, statusOf } from '../crowd/raw.ts';
import { keyOf, settled } from './watch.ts';

const DRIPS = 1_000;

const slowloris: FaultCase = {
  numbers: [67],
  name: 'a thousand connections drip headers or bodies',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 800, shards: 4 });
    const calm = await sale.crowd({ buyers: 200, perSecond: 100, nameOf: (i) => `calm-${i}` }).ended;
    const head = `POST /v1/campaigns/${sale.id}/tickets HTTP/1.1\r\nHost: x\r\nX-User-Id: drip\r\n`;
    const drips = Array.from({ length: DRIPS }, (_, index) => {
      const raw = openRaw(house.front.url);
      raw.socket.write(index % 2 === 0 ? head : `${head}Content-Length: 2000\r\n\r\n`);
      return raw;
    });
    const dripping = setInterval(() => {
      for (const { socket } of drips) if (!socket.destroyed) socket.write('X');
    }, 1_000);
    const during = await sale.crowd({ buyers: 500, perSecond: 100, nameOf: (i) => `during-${i}` }).ended;
    const closedAfter = await Promise.all(drips.map(({ closed }) => Promise.race([closed, sleep(12_000, 99_000)])));
    clearInterval(dripping);
    for (const { socket } of drips) socket.destroy();
    // Half of the drips had sent all of their headers: a join takes no body, so theirs was decided.
    const verdict = await sale.check({ plantedUsers: ['drip'] });
    const [before, p99] = [percentile(calm.joins.map(tookMs), 0.99), percentile(during.joins.map(tookMs), 0.99)];
    const longest = Math.round(Math.max(...closedAfter));
    return {
      67: {
        injected: `${DRIPS} connections, a letter a second`,
        seen: `honest joins p99 ${p99} ms (${before} ms before), the last drip was closed after ${longest} ms`,
        holds: {
          'every drip was closed within 11 s': longest < 11_000,
          'no honest client saw an error': countJoins(during, ({ kind }) => kind !== 'ok') === 0,
          'and none waited for them': p99 < Math.max(3 * before, 200),
        },
        verdict,
      },
    };
  },
};

const FUZZ = 600;

const bodies: FaultCase = {
  numbers: [68],
  name: 'bodies and requests that are broken in every way that chance finds',
  quick: true,
  run: async (stage) => {
    const house = await stage.house();
    const sale = await house.openSale({ stock: 800, shards: 4 });
    const statuses = new Map<number, number>();
    for (let round = 0; round < FUZZ / 20; round += 1) {
      const told = await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const toAdmin = stage.chance() < 0.5;
          const url = toAdmin ? house.front.adminUrl : house.front.url;
          return statusOf(url, strangeRequest(stage.chance, sale.id, toAdmin, round * 20 + index));
        }),
      );
      for (const status of told) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    const client = openClient(house.front.url);
    const alive = await askToJoin(client, sale.id, 'honest');
    client.close();
    const broken = [...statuses].filter(([status]) => status >= 500).reduce((sum, [, count]) => sum + count, 0);
    return {
      68: {
        injected: `${FUZZ} broken requests to both listeners`,
        seen: [...statuses]
          .toSorted(([a], [b]) => a - b)
          .map(([status, count]) => `${status || 'closed'} ×${count}`)
          .join(', '),
        holds: {
          'no input is a 5xx': broken === 0,
          'refusals were among the answers': statuses.has(400) && statuses.has(413),
          'the front goes on': alive.kind === 'ok' && house.front.isAlive(),
        },
      },
    };
  },
};

function strangeRequest(chance: Chance, campaign: string, toAdmin: boolean, index: number): Buffer {
  const deep = '['.repeat(between(chance, 100, 20_000));
  const text = oneOf(chance, [
    '{',
    '{"id":',
    deep,
    '{"id":"a","stock":1e999}',
    'null',
    '\0',
    '\ud800',
    'x'.repeat(5_000),
    '',
  ]);
  const body = Buffer.from(text, 'utf8');
  const path = toAdmin ? '/admin/campaigns' : `/v1/campaigns/${campaign}/tickets`;
  const length = oneOf(chance, [
    `Content-Length: ${body.length}`,
    'Transfer-Encoding: chunked',
    `Content-Length: ${body.length}\r\nTransfer-Encoding: chunked`,
    'Content-Length: -1',
    'Content-Length: 99999999999',
    '',
  ]);
  const type = oneOf(chance, [
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
  ]);
  const isChunked = length.startsWith('Transfer');
  const payload = isChunked
    ? Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')])
    : body;
  const lines = [
    `POST ${path} HTTP/1.1`,
    'Host: x',
    `X-User-Id: fuzz-${index}`,
    'Authorization: Bearer a-token-for-faults-only',
    `Content-Type: ${type}`,
    ...(length === '' ? [] : [length]),
  ];
  const request = Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), payload]);
  // Now and then a letter of it is another one.
  if (chance() < 0.3) request[between(chance, 0, request.length - 1)] = between(chance, 0, 255);
  return request;
}

const leaving: FaultCase = {
  numbers: [69],
  name: 'clients leave at a random moment of their join',
  run: async (stage) => {
    const house = await stage.house({ workers: ['w1'] });
    const sale = await house.openSale({ stock: 400, shards: 4 });
    const request = (user: string) =>
      `POST /v1/campaigns/${sale.id}/tickets HTTP/1.1\r\nHost: x\r\nX-User-Id: ${user}\r\nContent-Length: 0\r\n\r\n`;
    let whole = 0;
    for (let index = 0; index < 300; index += 1) {
      const raw = openRaw(house.front.url);
      const bytes = request(`leaver-${index}`);
      const isWhole = stage.chance() < 0.6;
      raw.socket.write(isWhole ? bytes : bytes.slice(0, between(stage.chance, 1, bytes.length - 1)));
      if (isWhole) whole += 1;
      setTimeout(() => raw.socket.resetAndDestroy(), between(stage.chance, 0, 12));
      await sleep(4);
    }
    await sleep(500);
    const admittedAlone = Number(await house.redis.raw.hget(keyOf(sale, 'gate'), 'seq'));
    const crowd = sale.crowd({ buyers: 300, perSecond: 300, nameOf: (index) => `leaver-${index}` });
    await settled(crowd, 300);
    const history = await crowd.ended;
    const known = countJoins(history, (join) => join.kind === 'ok' && join.status === 200);
    const verdict = await sale.check();
    return {
      69: {
        injected: `300 joins cut off, ${whole} of them after their last byte`,
        seen: `${admittedAlone} were admitted and never heard of it; asking again, they got that ticket`,
        holds: {
          'some were admitted behind a closed connection': admittedAlone > 0,
          'nobody twice': verdict.gate.seq === ticketsOf(history).size,
          'those already admitted are known': known >= admittedAlone,
        },
        verdict,
      },
    };
  },
};

export const clients: readonly FaultCase[] = [slowloris, bodies, leaving];
