// Buyers who joined and wait, half of them in an event stream and half in long-polls, as a program of its own: descriptors
// and source ports are counted by process and by address.
import { connect, type Socket } from 'node:net';
import { crowd } from './crowd.ts';
import { serveJobs } from './peers/job.ts';

export type WaitingJob =
  | { do: 'open'; port: number; campaign: string; count: number; source: string }
  /** Gives tickets back, one after another, and waits until their waiters have heard of it. */
  | { do: 'change'; count: number }
  | { do: 'close' };

export interface WaitingResult {
  /** Clients that wait. */
  count: number;
  /** From the answer of the change to the client that waited for it, ms. */
  heardMs: number[];
  /** Clients whose wait ended in another way than by its time. */
  brokenCount: number;
}

interface Client {
  socket: Socket;
  ticket: string;
  streams: boolean;
  heardAt: number;
}

const OPENED_AT_A_TIME = 32;
const ATTEMPTS_MAX = 60;
const HEARD_WITHIN_MS = 30_000;
const clients: Client[] = [];
let brokenCount = 0;
let isClosing = false;
let port = 0;

serveJobs(async (job: WaitingJob): Promise<WaitingResult> => {
  let heardMs: number[] = [];
  if (job.do === 'open') await openAll(job);
  else if (job.do === 'change') heardMs = await changeSome(job.count);
  else await closeAll();
  return { count: clients.length, heardMs, brokenCount };
});

async function openAll({ port: at, campaign, count, source }: WaitingJob & { do: 'open' }): Promise<void> {
  port = at;
  brokenCount = 0;
  isClosing = false;
  let next = 0;
  const openSome = async (): Promise<void> => {
    while (next < count) {
      const n = next++;
      clients.push(await openOne(campaign, crowd(source, n), source, n % 2 === 0));
    }
  };
  await Promise.all(Array.from({ length: OPENED_AT_A_TIME }, openSome));
}

/** Joins, then waits on the same connection; resolves when the front has answered the join. */
async function openOne(campaign: string, user: string, source: string, streams: boolean): Promise<Client> {
  const { socket, ticket } = await joined(campaign, user, source);
  const client: Client = { socket, ticket, streams, heardAt: 0 };
  socket.on('data', (text: string) => heard(client, text));
  socket.on('close', () => {
    if (!isClosing && client.heardAt === 0) brokenCount += 1;
  });
  ask(client);
  return client;
}

/** A busy front refuses some joins or lets go of a connection: they come again, on another one. */
async function joined(campaign: string, user: string, source: string): Promise<Pick<Client, 'socket' | 'ticket'>> {
  const head = `POST /v1/campaigns/${campaign}/tickets HTTP/1.1\r\nHost: bench\r\nX-User-Id: ${user}\r\n`;
  for (let attempt = 1; ; attempt += 1) {
    const socket = connect({ port, host: '127.0.0.1', localAddress: source });
    socket.setEncoding('latin1');
    socket.write(`${head}Content-Length: 0\r\n\r\n`);
    const answer = await nextText(socket).catch(String);
    const ticket = /"ticket":"([^"]+)"/.exec(answer)?.[1];
    if (ticket !== undefined) return { socket, ticket };
    socket.destroy();
    if (attempt === ATTEMPTS_MAX) throw new Error(`a join was answered ${answer.slice(0, 300)}`);
    await new Promise((resolve) => setTimeout(resolve, 500 * Math.random()));
  }
}

function nextText(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
    socket.once('data', (text: string) => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve(text);
    });
  });
}

function ask({ socket, ticket, streams }: Client): void {
  const way = streams ? 'Accept: text/event-stream' : 'Prefer: wait=30';
  socket.write(`GET /v1/tickets/${ticket} HTTP/1.1\r\nHost: bench\r\n${way}\r\n\r\n`);
}

function heard(client: Client, text: string): void {
  if (text.includes('"cancelled"')) client.heardAt = performance.now();
  else if (text.startsWith('HTTP/1.1 ') && !text.startsWith('HTTP/1.1 200')) brokenCount += 1;
  // The long-poll's time is over.
  else if (!client.streams && text.includes('"queued"')) ask(client);
}

async function changeSome(count: number): Promise<number[]> {
  const step = Math.floor(clients.length / count);
  const heardMs: number[] = [];
  // Odd steps reach streams and long-polls alike.
  for (let n = 0; n < count; n += 1) heardMs.push(await changeOne(clients[n * step + (n % 2)]!));
  return heardMs;
}

async function changeOne(client: Client): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/tickets/${client.ticket}`, { method: 'DELETE' });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`a ticket was not given back: ${response.status}`);
  const changedAt = performance.now();
  while (client.heardAt === 0) {
    if (performance.now() - changedAt > HEARD_WITHIN_MS) throw new Error('a client that waits heard nothing');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return Math.max(0, client.heardAt - changedAt);
}

async function closeAll(): Promise<void> {
  isClosing = true;
  await Promise.all(
    clients.splice(0).map(
      ({ socket }) =>
        new Promise<void>((resolve) => {
          if (socket.closed) return resolve();
          socket.once('close', () => resolve());
          socket.destroy();
        }),
    ),
  );
}
