// One client that attacks: ready-made requests over a few connections at a bounded rate, whatever becomes of them, or
// connections that say nothing. A program of its own, on the core of the load.
import { connect, type Socket } from 'node:net';
import { serveJobs } from './peers/job.ts';

export type AttackJob =
  | { do: 'flood'; port: number; requests: readonly string[]; ratePerSecond: number; connections: number }
  /** Opened again when they are closed, at most so many a second. */
  | { do: 'silence'; port: number; connections: number; ratePerSecond: number }
  | { do: 'stop' };

export interface AttackResult {
  /** Requests, or connections that said nothing. */
  sentCount: number;
  /** Answers by status. */
  statuses: Record<string, number>;
}

const TICK_MS = 10;
let sentCount = 0;
let statuses: Record<string, number> = {};
let timer: NodeJS.Timeout | undefined;
let sockets: (Socket | undefined)[] = [];

serveJobs(async (job: AttackJob): Promise<AttackResult> => {
  if (job.do === 'stop') stop();
  else start(job);
  return { sentCount, statuses };
});

function start(job: Exclude<AttackJob, { do: 'stop' }>): void {
  sentCount = 0;
  statuses = {};
  sockets = Array.from({ length: job.connections }, () => undefined);
  const startedAt = performance.now();
  let dueBefore = 0;
  timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) * job.ratePerSecond) / 1_000);
    for (let n = dueBefore; n < due; n += 1) strike(job, n);
    dueBefore = due;
  }, TICK_MS);
}

function strike(job: Exclude<AttackJob, { do: 'stop' }>, n: number): void {
  if (job.do === 'silence') {
    const free = sockets.indexOf(undefined);
    if (free < 0) return;
    open(job.port, free);
  } else {
    const at = n % sockets.length;
    const socket = sockets[at] ?? open(job.port, at);
    socket.write(job.requests[n % job.requests.length]!);
  }
  sentCount += 1;
}

function open(port: number, at: number): Socket {
  const socket = connect({ port, host: '127.0.0.1' });
  sockets[at] = socket;
  socket.setEncoding('latin1');
  socket.on('error', () => undefined);
  socket.on('data', (text: string) => {
    for (const [, status] of text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)) statuses[status!] = (statuses[status!] ?? 0) + 1;
  });
  socket.on('close', () => {
    if (sockets[at] === socket) sockets[at] = undefined;
  });
  return socket;
}

function stop(): void {
  clearInterval(timer);
  for (const socket of sockets.splice(0)) socket?.destroy();
}
