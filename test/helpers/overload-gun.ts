// An open-loop crowd in a process of its own: joins of ever new users leave when they are due, on as many connections as
// it takes, up to a bound; those that find none are counted as unsent. Told by argv, tells by one line of JSON.
import { connect, type Socket } from 'node:net';

export interface GunOrder {
  port: number;
  path: string;
  ratePerSecond: number;
  seconds: number;
  connectionsMax: number;
  /** Begins every user's name. */
  crowd: string;
}

export interface GunReport {
  /** Answers by status; 0 for a connection that broke. */
  statuses: Record<number, number>;
  /** Due when every connection was busy. */
  unsentCount: number;
  /** Between the first and the last request, and between the first request and the last answer. */
  elapsedMs: number;
  answeredMs: number;
  /** Of 202s and of all others, from the moment of sending, ms. */
  admittedP99Ms: number;
  refusedP99Ms: number;
}

const TICK_MS = 1;
const order = JSON.parse(process.argv[2]!) as GunOrder;
const head = `POST ${order.path} HTTP/1.1\r\nHost: gun\r\nX-User-Id: ${order.crowd}-`;
const idle: Socket[] = [];
const statuses: Record<number, number> = {};
const times = { admitted: [] as number[], refused: [] as number[] };
let openCount = 0;
let dueCount = 0;
let unsentCount = 0;
let underWay = 0;
let lastAnswerAt = 0;

interface Line {
  sentAt: number;
  text: string;
}
const lines = new WeakMap<Socket, Line>();

function open(): Socket {
  openCount += 1;
  const socket = connect(order.port, '127.0.0.1').setNoDelay(true);
  const line: Line = { sentAt: 0, text: '' };
  lines.set(socket, line);
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    line.text += chunk;
    const end = line.text.indexOf('\r\n\r\n');
    if (end === -1) return;
    const length = Number(/content-length: (\d+)/i.exec(line.text)?.[1] ?? 0);
    if (line.text.length < end + 4 + length) return;
    finish(Number(line.text.slice(9, 12)), line);
    line.text = '';
    if (!socket.destroyed) idle.push(socket);
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    openCount -= 1;
    if (line.sentAt > 0) finish(0, line);
    const at = idle.indexOf(socket);
    if (at >= 0) idle.splice(at, 1);
  });
  return socket;
}

function finish(status: number, line: Line): void {
  statuses[status] = (statuses[status] ?? 0) + 1;
  (status === 202 ? times.admitted : times.refused).push(performance.now() - line.sentAt);
  lastAnswerAt = performance.now();
  line.sentAt = 0;
  underWay -= 1;
}

function send(): void {
  const socket = idle.pop() ?? (openCount < order.connectionsMax ? open() : undefined);
  if (socket === undefined) {
    unsentCount += 1;
    return;
  }
  underWay += 1;
  lines.get(socket)!.sentAt = performance.now();
  socket.write(`${head}${dueCount}\r\n\r\n`);
}

const p99 = (all: number[]): number => all.sort((a, b) => a - b)[Math.floor(all.length * 0.99)] ?? 0;

const startedAt = performance.now();
const timer = setInterval(() => {
  const now = performance.now();
  const due = Math.min(order.seconds, (now - startedAt) / 1_000) * order.ratePerSecond;
  for (; dueCount < due; dueCount += 1) send();
  if (now - startedAt < order.seconds * 1_000) return;
  clearInterval(timer);
  const elapsedMs = now - startedAt;
  const report = (): void => {
    if (underWay > 0 && performance.now() - now < 5_000) return void setTimeout(report, 20);
    const told: GunReport = {
      statuses,
      unsentCount,
      elapsedMs,
      answeredMs: lastAnswerAt - startedAt,
      admittedP99Ms: p99(times.admitted),
      refusedP99Ms: p99(times.refused),
    };
    process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));
  };
  report();
}, TICK_MS);
