import { expect, test } from 'vitest';
import { preferredWaitMs } from '../../src/http/public/preferences.ts';
import { limits } from '../../src/process/limits.ts';
import { fronts } from './front.ts';
import { bytesOf, send } from './raw.ts';

const file = fronts();
const front = file.shared();

test.for([
  ['Wait=2', 2],
  ['WAIT=2', 2],
  ['wait="2"', 2],
  ['wait = 2', 2],
  ['  wait\t=\t"2" ; x=y', 2],
  ['respond-async,wait=2', 2],
  ['respond-async, wait=2, handling=lenient', 2],
  ['respond-async; a="x, wait=9", wait=2', 2],
  ['opt="a\\", wait=9, \\"", wait=2', 2],
  ['respond-async\nwait=2', 2],
  ['wait=2, wait=9', 2],
  ['wait=2;opt, wait=9', 2],
  ['wait=0002', 2],
  ['wait=31', limits.longPollMaxMs / 1_000],
  ['wait=600', limits.longPollMaxMs / 1_000],
  ['wait=99999999999', limits.longPollMaxMs / 1_000],
  [`wait=${'9'.repeat(9_000)}`, limits.longPollMaxMs / 1_000],
  // Its first instance counts, also where it has no value that means something (RFC 7240, 2).
  ['wait=soon, wait=2', 0],
  ['wait, wait=2', 0],
  // A parameter of another preference is none.
  ['handling=strict; wait=2', 0],
  ['opt="wait=2"', 0],
  ['opt="never closed, wait=2', 0],
  ['await=2', 0],
  ['wait-for=2', 0],
  ['wait=2s', 0],
  ['wait="2', 0],
  ['wait=2"', 0],
  ['wait=-2', 0],
  ['wait=+2', 0],
  ['wait=2.5', 0],
  ['wait=1e3', 0],
  ['wait=0x2', 0],
  ['', 0],
  [',,;;,=', 0],
  ['"\\'.repeat(8_000), 0],
] as const)('Prefer: %s is a wait of %i s', ([prefer, seconds]) => {
  expect(preferredWaitMs(prefer)).toBe(seconds * 1_000);
});

/** A ticket with its last answer: a stream of it ends. */
async function cancelledTicket(): Promise<string> {
  const [ticket] = await front().admit(await front().create(), 1, 1);
  expect((await front().giveBack(ticket!)).body.status).toBe('cancelled');
  return ticket!;
}

test('a wait that is longer than the longest is cut to that, and the answer says so', async () => {
  const ticket = await cancelledTicket();
  const appliedOf = async (prefer: string) => {
    const { status, headers } = await front().poll(ticket, { prefer });
    return [status, headers.get('preference-applied')];
  };
  expect(await appliedOf('wait=600')).toEqual([200, 'wait=30']);
  expect(await appliedOf('Wait="7"')).toEqual([200, 'wait=7']);
  expect(await appliedOf('wait=0')).toEqual([200, null]);
  expect(await appliedOf('return=minimal')).toEqual([200, null]);
});

const EVENTS = 'text/event-stream';
const JSON_TYPE = 'application/json';

test.for([
  [EVENTS, EVENTS],
  ['text/event-stream, */*', EVENTS],
  ['Text/Event-Stream', EVENTS],
  ['text/event-stream;charset=utf-8', EVENTS],
  ['text/event-stream;q=0.8', EVENTS],
  ['*/*;q=0.1, text/event-stream;Q=0.5', EVENTS],
  ['application/json;q=0.5, text/event-stream', EVENTS],
  ['application/*, text/event-stream', EVENTS],
  ['text/html , text/event-stream\t, */*;q=0.8', EVENTS],
  ['text/event-stream, application/json', EVENTS],
  ['application/json, text/event-stream', JSON_TYPE],
  ['text/event-stream;q=0.5, application/json', JSON_TYPE],
  ['text/event-stream;q=0.5, */*', JSON_TYPE],
  ['text/event-stream;q=0', JSON_TYPE],
  ['text/event-stream;q=0.0, */*;q=0', JSON_TYPE],
  ['text/event-streams', JSON_TYPE],
  ['text/*', JSON_TYPE],
  ['*/*', JSON_TYPE],
  ['', JSON_TYPE],
] as const)('Accept: %s is answered with %s', async ([accept, type]) => {
  const { status, headers } = await front().poll(await cancelledTicket(), { accept });
  expect([status, headers.get('content-type')]).toEqual([200, type]);
});

test('preferences in several headers of one name count as in one', async () => {
  const ticket = await cancelledTicket();
  const { port } = new URL(front().url);
  const ask = async (name: string, values: string[]) => {
    const headers = values.map((value) => [name, value] as const);
    return (await send(Number(port), bytesOf({ path: `/v1/tickets/${ticket}`, headers }))).headers;
  };
  expect(await ask('Accept', ['text/html', EVENTS])).toMatchObject({ 'content-type': EVENTS });
  expect(await ask('Prefer', ['respond-async', 'wait=3'])).toMatchObject({ 'preference-applied': 'wait=3' });
});
