// What the OpenAPI documents describe, spoilt by dice. Another seed: HOSTILE_SEED=… vitest run test/http/hostile-generated
import { beforeAll, expect, test } from 'vitest';
import { diceOf, pick } from './dice.ts';
import { fronts, READ_TOKEN, TOKEN } from './front.ts';
import { LEAKS, shown } from './hostile.ts';
import { spoil, spoilBytes } from './mutations.ts';
import { type Document, type Filling, type Operation, operationsOf, requestOf } from './openapi-requests.ts';
import { bytesOf, type RawAnswer, send } from './raw.ts';

const SEED = Number(process.env.HOSTILE_SEED ?? 20_261_121);
const REQUESTS = 2_400;
const AT_ONCE = 24;
/** Bytes that are no request may go unanswered; a request may not, and some compare all stores of a campaign. */
const patienceMs = ({ isBytes }: Shot): number => (isBytes ? 400 : 10_000);

/** What HTTP itself, or a path and method that are none, may answer anywhere. */
const GENERIC = [400, 401, 403, 404, 405, 408, 411, 413, 414, 415, 417, 422, 431];

interface Shot {
  number: number;
  what: string;
  /** Empty where anything but a fault will do. */
  statuses: readonly number[];
  isBytes: boolean;
  port: number;
  bytes: Buffer;
}

const front = fronts().shared();
let owners: { campaign: string; ticket: string };
const shots: Shot[] = [];

beforeAll(async () => {
  const campaign = await front().create({ stock: 1_000_000 });
  owners = { campaign, ticket: (await front().join(campaign, 'owner')).body.ticket };
  // What operators do to a campaign must not be what buyers are told of theirs.
  const target = await front().create({ stock: 5 });
  const dice = diceOf(SEED);
  const places = await Promise.all([
    place(front().url, { id: campaign, ticket: owners.ticket, 'x-user-id': 'ann' }, []),
    place(front().adminUrl, { id: target, 'idempotency-key': 'k' }, [['authorization', `Bearer ${TOKEN}`]]),
    place(front().adminUrl, { id: target, 'idempotency-key': 'k' }, [['authorization', `Bearer ${READ_TOKEN}`]]),
  ]);
  for (let number = 0; number < REQUESTS; number += 1) {
    const { port, operations, filling } = pick(dice, places);
    const operation = pick(dice, operations);
    const { request, isElsewhere, how } = spoil(requestOf(operation, filling, dice), operation, dice);
    const isBytes = dice() < 0.2;
    const bytes = isBytes ? spoilBytes(request, dice) : bytesOf(request);
    const what = `${operation.method} ${operation.path} with ${how.map(shown).join(', ')}${isBytes ? ', bytes changed' : ''}`;
    const statuses = isBytes || isElsewhere ? [] : [...operation.statuses, ...GENERIC];
    shots.push({ number, what, statuses, isBytes, port, bytes });
  }
});

async function place(url: string, values: Record<string, string>, headers: Filling['headers']) {
  const document = (await (
    await fetch(`${url}/openapi.json`, { headers: { authorization: `Bearer ${TOKEN}` } })
  ).json()) as Document;
  const operations: Operation[] = operationsOf(document);
  return { port: Number(new URL(url).port), operations, filling: { values, headers } };
}

/** What is wrong with an answer; undefined when nothing is. */
function wrongWith({ statuses, isBytes }: Shot, { status, headers, body }: RawAnswer): string | undefined {
  if (status >= 500) return `is ${status} ${body}`;
  if (status === 0) return isBytes ? undefined : 'is no answer';
  if (statuses.length > 0 && !statuses.includes(status)) return `is ${status}, which is documented nowhere`;
  if (LEAKS.test(body)) return `tells ${LEAKS.exec(body)![0]}`;
  if (status < 400 || body === '') return undefined;
  return headers['content-type'] === 'application/problem+json' ? undefined : `is a ${headers['content-type']}`;
}

test(`${REQUESTS} generated hostile requests (seed ${SEED}) are answered, documented, and no fault of ours`, async () => {
  const found: string[] = [];
  const seen = new Map<number, number>();
  const rest = shots.values();
  const one = async () => {
    for (const shot of rest) {
      const answer = await send(shot.port, shot.bytes, patienceMs(shot)).catch((error: Error) => error);
      const wrong = answer instanceof Error ? answer.message : wrongWith(shot, answer);
      if (wrong !== undefined) found.push(`#${shot.number} ${shot.what}: ${wrong}`);
      if (!(answer instanceof Error)) seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  expect(found).toEqual([]);
  // They reach what they are for, and not only the parser.
  for (const status of [200, 202, 400, 401, 403, 404, 405, 413, 415, 422]) {
    expect([status, (seen.get(status) ?? 0) > 0]).toEqual([status, true]);
  }
});

test('after all of them the front sells as before and has reported no error', async () => {
  expect(front().errors).toEqual([]);
  expect((await front().join(owners.campaign, 'a-late-user')).status).toBe(202);
  // Among them were some that gave it back, as its bearer may.
  expect((await front().poll(owners.ticket)).body).toMatchObject({ ticket: owners.ticket, seq: 1 });
  expect((await front().admin('GET', '/admin/campaigns')).status).toBe(200);
});

test('the same seed makes the same requests', () => {
  const [a, b] = [diceOf(SEED), diceOf(SEED)];
  const drawn = Array.from({ length: 1_000 }, () => a());
  expect(Array.from({ length: 1_000 }, () => b())).toEqual(drawn);
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...drawn)).toBeLessThan(1);
});
