// One client that attacks: ready-made requests over a few connections at a bounded rate, whatever becomes of them, or
// connections that say nothing. A program of its own, on the core of the load.
import { connect, type Socket } from 'node:net';
import { serveJobs } from './peers/job.ts';

export type Attack = {
  port: number;
  /** From where it comes. */
  address: string;
  connections: number;
  ratePerSecond: number;
} & (
  | { kind: 'flood'; requests: readonly string[] }
  /** Opened again when they are closed, at most so many a second. */
  | { kind: 'silence' }
);

/** An attack is told once, since it may be megabytes, and then comes and goes. */
export type AttackJob = { do: 'prepare'; attack: Attack } | { do: 'start' } | { do: 'stop' };

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

let prepared: Attack | undefined;
/** Requests of this attack so far: it goes on where it stopped. */
let strikeCount = 0;

serveJobs(async (job: AttackJob): Promise<AttackResult> => {
  if (job.do === 'prepare') [prepared, strikeCount] = [job.attack, 0];
  else if (job.do === 'start') start(prepared!);
  else stop();
  return { sentCount, statuses };
});

function start(attack: Attack): void {
  sentCount = 0;
  statuses = {};
  sockets = Array.from({ length: attack.connections }, () => undefined);
  const startedAt = performance.now();
  let dueBefore = 0;
  timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) * attack.ratePerSecond) / 1_000);
    for (; dueBefore < due; dueBefore += 1) strike(attack);
  }, TICK_MS);
}

function strike(attack: Attack): void {
  if (attack.kind === 'silence') {
    const free = sockets.indexOf(undefined);
    if (free < 0) return;
    open(attack, free);
  } else {
    const at = strikeCount % sockets.length;
    const socket = sockets[at] ?? open(attack, at);
    socket.write(attack.requests[strikeCount % attack.requests.length]!);
  }
  strikeCount += 1;
  sentCount += 1;
}

function open({ port, address }: Attack, at: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress: address });
  sockets[at] = socket;
  socket.setEncoding('latin1');
  socket.on('error', () => undefined);
  socket.on('data', (text: string) => {
    for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g)) statuses[status!] = (statuses[status!] ?? 0) + 1;
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
