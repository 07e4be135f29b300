// Users times tickets times ways to ask, by every source of identity: nobody learns anything of another's ticket.
import { expect, type TestContext, test } from 'vitest';
import type { IdentitySource } from '../../src/http/public/identity.ts';
import { fronts, type TestFront } from './front.ts';
import { AUDIENCE, claimsOf, ISSUER, signingKey, tokenBy } from './identity-provider.ts';

const file = fronts();
const key = await signingKey('ES256');
const SECRET = 'the secret of the gateway';

type Fields = Record<string, string>;

interface Mode {
  name: string;
  source: IdentitySource;
  /** What a request of this user carries. */
  as: (user: string) => Promise<Fields>;
  /** What a request carries that is nobody's, although it says so. */
  wrong: (user: string) => Promise<Fields>;
  /** What is answered to that. */
  wrongStatus: number;
}

const jwt = {
  kind: 'jwt' as const,
  keys: [key.publicJwk],
  issuer: ISSUER,
  audience: AUDIENCE,
  algorithms: ['ES256'],
  clockToleranceSeconds: 5,
  userClaim: 'sub',
};
const bearer = async (claims: Record<string, unknown>) => ({ authorization: `Bearer ${await tokenBy(key, claims)}` });

const MODES: Mode[] = [
  {
    name: 'a bare header',
    source: { kind: 'header' },
    as: async (user) => ({ 'x-user-id': user }),
    wrong: async (user) => ({ 'x-user-id': `${user} ` }),
    // Spaces around a header's value are none of it.
    wrongStatus: 200,
  },
  {
    name: 'a gateway',
    source: { kind: 'gateway', secrets: [SECRET] },
    as: async (user) => ({ 'x-user-id': user, 'x-gateway-secret': SECRET }),
    wrong: async (user) => ({ 'x-user-id': user, 'x-gateway-secret': 'a guess' }),
    wrongStatus: 404,
  },
  {
    name: 'bearer tokens',
    source: jwt,
    as: (user) => bearer(claimsOf(user)),
    wrong: (user) => bearer(claimsOf(user, { aud: 'another' })),
    wrongStatus: 401,
  },
];

const WAYS: [string, Fields][] = [
  ['a poll', {}],
  ['a long-poll', { prefer: 'wait=1' }],
  ['a stream', { accept: 'text/event-stream' }],
];

interface Place {
  front: TestFront;
  tickets: Record<string, string>;
}

async function openPlace(t: TestContext, { source, as }: Mode): Promise<Place> {
  const front = await file.start(t, { identity: source });
  const campaign = await front.create();
  const tickets: Record<string, string> = {};
  for (const user of ['ann', 'bob']) {
    const joined = await front.ask(`/v1/campaigns/${campaign}/tickets`, { method: 'POST', headers: await as(user) });
    expect(joined.status).toBe(202);
    tickets[user] = joined.body.ticket;
  }
  return { front, tickets };
}

interface Seen {
  status: number;
  headers: Fields;
  text: string;
}

/** The beginning of an answer, which a stream has no end of. */
async function look(front: TestFront, ticket: string, headers: Fields, method = 'GET'): Promise<Seen> {
  const leave = new AbortController();
  const answer = await fetch(`${front.url}/v1/tickets/${ticket}`, { method, headers, signal: leave.signal });
  const isStream = answer.headers.get('content-type') === 'text/event-stream';
  const text = isStream ? '(a stream)' : await answer.text();
  leave.abort();
  const kept = [...answer.headers].filter(([name]) => name !== 'date');
  return { status: answer.status, headers: Object.fromEntries(kept), text };
}

test.for(MODES)('by $name everybody sees their own ticket and nobody else’s', async (mode, t) => {
  const { front, tickets } = await openPlace(t, mode);
  for (const [way, fields] of WAYS) {
    const unknown = await look(front, 'x', { ...(await mode.as('ann')), ...fields });
    expect(unknown.status).toBe(404);
    for (const user of ['ann', 'bob', 'eve']) {
      for (const [owner, ticket] of Object.entries(tickets)) {
        const seen = await look(front, ticket, { ...(await mode.as(user)), ...fields });
        expect(seen.headers['cache-control']).toBe('no-store');
        if (user === owner) expect([way, user, seen.status]).toEqual([way, user, 200]);
        else expect([way, user, seen]).toEqual([way, user, unknown]);
      }
    }
  }
});

test.for(MODES)('by $name a ticket is its bearer’s where nobody says who asks', async (mode, t) => {
  const { front, tickets } = await openPlace(t, mode);
  for (const [, fields] of WAYS) {
    expect((await look(front, tickets.ann!, fields)).status).toBe(200);
    expect((await look(front, `${tickets.ann!}x`, fields)).status).toBe(404);
  }
});

test.for(MODES)(
  'by $name a wrong identity is told the same of every ticket there is, and that there is none of others',
  async (mode, t) => {
    const { front, tickets } = await openPlace(t, mode);
    const headers = await mode.wrong('ann');
    for (const [, fields] of WAYS) {
      const seen = await look(front, tickets.ann!, { ...headers, ...fields });
      expect(seen.status).toBe(mode.wrongStatus);
      if (seen.status === 200) continue;
      expect(await look(front, tickets.bob!, { ...headers, ...fields })).toEqual(seen);
      // As to somebody who says nothing: a made-up ticket gets no token checked.
      expect((await look(front, 'x', { ...headers, ...fields })).status).toBe(404);
    }
  },
);

test.for(MODES)('by $name no other method and no other path tells a ticket from nothing', async (mode, t) => {
  const { front, tickets } = await openPlace(t, mode);
  const headers = await mode.as('bob');
  for (const method of ['POST', 'PUT', 'PATCH', 'OPTIONS', 'HEAD', 'DELETE']) {
    expect(await look(front, tickets.ann!, headers, method)).toEqual(await look(front, 'x', headers, method));
  }
  // Nobody's attempts have changed anything for its owner.
  expect((await look(front, tickets.ann!, await mode.as('ann'))).status).toBe(200);
});

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

test('a foreign ticket takes as long as a forged one', async (t) => {
  const { front, tickets } = await openPlace(t, MODES[0]!);
  const headers = { 'x-user-id': 'eve' };
  const took: Record<string, number[]> = { foreign: [], forged: [] };
  // In turns, so that what the machine does otherwise falls on both.
  for (let i = 0; i < 300; i += 1) {
    for (const kind of ['foreign', 'forged']) {
      const ticket = kind === 'foreign' ? tickets.ann! : `${tickets.ann!.slice(0, -4)}AAAA`;
      const startedAt = performance.now();
      await front.poll(ticket, headers);
      took[kind]!.push(performance.now() - startedAt);
    }
  }
  const ratio = median(took.foreign!) / median(took.forged!);
  expect(ratio).toBeGreaterThan(0.4);
  expect(ratio).toBeLessThan(2.5);
});
