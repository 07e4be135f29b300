// Buyers who joined and wait, half of them in an event stream and half in long-polls, as a program of its own: descriptors
// and source ports are counted by process and by address.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createHttpClient } from '../src/rehearsal/http-client.ts';
import { crowd } from './crowd.ts';
import { serveJobs } from './peers/job.ts';
import { joinPath } from './sluice.ts';

export type WaitingJob =
  /**
   * `first` tells the programs apart: their users, and the addresses they come from. With `each` the n-th buyer joins the
   * campaign with that prefix and the number n.
   */
  | { do: 'join'; port: number; campaign: string; count: number; first: number; each?: true }
  /** Opens so many waits, each on a connection of its own, and resolves when the front has them all. */
  | { do: 'wait'; count: number }
  /** Gives tickets back, one after another, and waits until their waiters have heard of it. */
  | { do: 'change'; count: number }
  | { do: 'close' };

export interface WaitingResult {
  /** From the answer of the change to the client that waited for it, ms. */
  heardMs: number[];
  /** Clients whose wait ended in another way than by its time. */
  brokenCount: number;
  /** Other places that streams have heard of since the last job. */
  placesCount: number;
}

interface Client {
  n: number;
  socket?: Socket;
  ticket: string;
  streams: boolean;
  /** The wait of the next long-poll, s. */
  waitSeconds: number;
  heardAt: number;
  /** Called when it has heard from the front for the first time. */
  onFirst?: () => void;
}

interface Joined {
  ticket: string;
  seq: number;
}

const JOINED_AT_A_TIME = 64;
const JOIN_ATTEMPTS_MAX = 60;
/**
 * Connections that have no answer yet. A client is connected before its front has accepted it: where more come than its
 * queue holds, the kernel makes the others try again after 1, 3, 7 s.
 */
const OPENED_AT_A_TIME = 256;
const LONGEST_SECONDS = 30;
/** For an address the kernel looks through half of its even ports first, and is slow once those 7,057 are taken. */
const CLIENTS_PER_ADDRESS = 2_500;
const HEARD_WITHIN_MS = 30_000;
let front = { port: 0, first: 0 };
/** In the order of the queue. */
const tickets: string[] = [];
const clients: Client[] = [];
let brokenCount = 0;
let placesCount = 0;
let isClosing = false;

serveJobs(async (job: WaitingJob): Promise<WaitingResult> => {
  let heardMs: number[] = [];
  placesCount = 0;
  if (job.do === 'join') await joinAll(job);
  else if (job.do === 'wait') await waitAll(job.count);
  else if (job.do === 'change') heardMs = await changeSome(job.count);
  else await closeAll();
  return { heardMs, brokenCount, placesCount };
});

/** So many of them at a time, none waits for another. */
async function inParallel(count: number, atATime: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const workOn = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atATime }, workOn));
}

async function joinAll({ port, campaign, count, first, each }: WaitingJob & { do: 'join' }): Promise<void> {
  front = { port, first };
  const baseUrl = `http://127.0.0.1:${port}`;
  const client = createHttpClient({ baseUrl, socketsMax: JOINED_AT_A_TIME, timeoutMs: HEARD_WITHIN_MS });
  const joined: Joined[] = [];
  await inParallel(count, JOINED_AT_A_TIME, async (n) => {
    const headers = { 'x-user-id': crowd(`waiting-${first}`, n) };
    for (let attempt = 1; ; attempt += 1) {
      const path = joinPath(each ? `${campaign}${n}` : campaign);
      const result = await client.request({ method: 'POST', path, headers });
      const answer = result.kind === 'answer' ? (result.body as Partial<Joined>) : {};
      if (answer.ticket !== undefined) return void joined.push(answer as Joined);
      if (attempt === JOIN_ATTEMPTS_MAX) throw new Error(`a join met ${JSON.stringify(result)}`);
      await sleep(500 * Math.random());
    }
  });
  client.close();
  tickets.push(...joined.toSorted((one, other) => one.seq - other.seq).map(({ ticket }) => ticket));
}

async function waitAll(count: number): Promise<void> {
  brokenCount = 0;
  isClosing = false;
  if (count > tickets.length) throw new Error(`${tickets.length} tickets wait, ${count} are wanted`);
  await inParallel(count, OPENED_AT_A_TIME, async (n) => {
    const ticket = tickets[n]!;
    // The first long-polls end one after another, so that afterwards as many end a second as of a crowd that came by and by.
    const waitSeconds = 1 + (n % LONGEST_SECONDS);
    const client: Client = { n, ticket, streams: n % 2 === 0, waitSeconds, heardAt: 0 };
    clients.push(client);
    await new Promise<void>((resolve) => {
      client.onFirst = resolve;
      open(client);
    });
  });
}

/** Everybody asks where the ticket stands, and a stream says so by itself; then a long-poll waits. */
function open(client: Client): void {
  const socket = connect({ port: front.port, host: '127.0.0.1', localAddress: addressOf(client) });
  client.socket = socket;
  socket.setEncoding('latin1');
  socket.on('error', () => undefined);
  socket.on('data', (text: string) => heard(client, text));
  socket.on('close', () => {
    if (isClosing || client.heardAt > 0) return;
    client.onFirst?.();
    if (client.streams) brokenCount += 1;
    // A front makes room by ending connections that have no request just now: their clients come again.
    else open(client);
  });
  if (client.streams) ask(client);
  else socket.write(requestOf(client.ticket, 'Accept: */*'));
}

const addressOf = ({ n }: Client): string => `127.0.${1 + front.first}.${2 + Math.floor(n / CLIENTS_PER_ADDRESS)}`;

function ask(client: Client): void {
  const { socket, ticket, streams, waitSeconds } = client;
  client.waitSeconds = LONGEST_SECONDS;
  socket!.write(requestOf(ticket, streams ? 'Accept: text/event-stream' : `Prefer: wait=${waitSeconds}`));
}

const requestOf = (ticket: string, header: string): string =>
  `GET /v1/tickets/${ticket} HTTP/1.1\r\nHost: bench\r\n${header}\r\n\r\n`;

function heard(client: Client, text: string): void {
  client.onFirst?.();
  if (text.includes('"cancelled"')) client.heardAt = performance.now();
  else if (text.startsWith('HTTP/1.1 ') && !text.startsWith('HTTP/1.1 200')) brokenCount += 1;
  // The first answer, or the long-poll's time is over.
  else if (!client.streams && text.includes('"queued"')) ask(client);
  else if (client.streams && text.includes('event: ticket')) placesCount += 1;
}

async function changeSome(count: number): Promise<number[]> {
  const heardMs: number[] = [];
  // From the head of the queue, so that all others move up; streams and long-polls in turn.
  for (const client of clients.slice(0, count)) heardMs.push(await changeOne(client));
  return heardMs;
}

async function changeOne(client: Client): Promise<number> {
  tickets.splice(tickets.indexOf(client.ticket), 1);
  const response = await fetch(`http://127.0.0.1:${front.port}/v1/tickets/${client.ticket}`, { method: 'DELETE' });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`a ticket was not given back: ${response.status}`);
  const changedAt = performance.now();
  while (client.heardAt === 0) {
    if (performance.now() - changedAt > HEARD_WITHIN_MS) throw new Error('a client that waits heard nothing');
    await sleep(5);
  }
  return Math.max(0, client.heardAt - changedAt);
}

async function closeAll(): Promise<void> {
  isClosing = true;
  await Promise.all(
    clients.splice(0).map(
      ({ socket }) =>
        new Promise<void>((resolve) => {
          if (socket!.closed) return resolve();
          socket!.once('close', () => resolve());
          socket!.destroy();
        }),
    ),
  );
}
