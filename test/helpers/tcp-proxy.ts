// A TCP proxy between a client and its server that can be told to fail as networks do.
import { connect, createServer, type Socket } from 'node:net';

/** Whoever cleans up: a test's context, or a stage of the fault harness. */
export interface Owner {
  onTestFinished: (close: () => Promise<void> | void) => void;
}

/**
 * - `pass`: what comes is passed on.
 * - `hold`: nothing is passed on, either way, until the next mode; then all of it is, in order.
 * - `drop-replies`: the server hears everything, the client nothing.
 * - `reset`: connections are reset, new ones too.
 */
export type ProxyMode = 'pass' | 'hold' | 'drop-replies' | 'reset';

/**
 * What happens to the connection of a question that was trapped:
 * - `close`: the server hears it, its answer is swallowed, the connection closes.
 * - `hang`: the same without the closing.
 * - `stall`: nothing more of this connection is passed on, either way: the server never hears the question.
 * - `{ cutAfter }`: that many bytes of the answer arrive, then the connection is reset.
 */
export type Fate = 'close' | 'hang' | 'stall' | { cutAfter: number };
type AnswerFate = Fate | { lateMs: number };

export interface SetTrap {
  /** Resolves when what it waited for has come. */
  sprung: Promise<void>;
}

export interface TcpProxy {
  /** The target's address with the proxy's port. */
  url: string;
  set: (mode: ProxyMode) => void;
  /** Connections from now on go to this server; those that stand stay. */
  turnTo: (target: string) => void;
  /** Connections that are open now carry nothing any more and stay open, as when a firewall forgets them; new ones work. */
  strand: () => void;
  /** Replies are this late from now on, ms; 0 for not at all. */
  delay: (ms: number) => void;
  /** Bytes of replies that were dropped so far. */
  droppedBytes: () => number;
  /** The next question that holds `text` meets this fate. */
  loseAnswerTo: (text: string, fate: Fate) => SetTrap;
  /**
   * The next answer that holds `text` is swallowed and its connection reset; or, with `lateMs`, it comes that late, and
   * counts as lost when nobody listens any more.
   */
  loseAnswerWith: (text: string, lateMs?: number) => SetTrap;
  /** From now on questions that hold `text` never arrive: their connection closes. */
  loseQuestions: (text: string) => void;
  /** How many answers and questions were lost. */
  lostCount: () => number;
  /** The server's side of the connections there are now says goodbye, but goes on listening. */
  halfClose: () => void;
  /** Each direction of each connection passes on this many bytes a second; 0 for no limit. */
  throttle: (bytesPerSecond: number) => void;
  connectionCount: () => number;
  /** Pieces of questions that came: about one for each question of a client that waits for its answers. */
  questionCount: () => number;
}

interface Pair {
  client: Socket;
  server: Socket;
  held: { to: Socket; chunk: Buffer }[];
  /** A stream with a hole in it is good for nothing more. */
  isBroken: boolean;
  isStranded: boolean;
  fate?: Fate;
  /** When the throttle lets the next byte through, by direction. */
  freeAt: Map<Socket, number>;
}

interface Trap<F> {
  text: string;
  fate: F;
  sprung: () => void;
}

/** Listens on a free port for `target`, a URL; gone when its owner is. */
export async function startTcpProxy(t: Owner, target: string): Promise<TcpProxy> {
  let upstream = new URL(target);
  const pairs = new Set<Pair>();
  const questions: Trap<Fate>[] = [];
  const answers: Trap<AnswerFate>[] = [];
  let mode: ProxyMode = 'pass';
  let delayMs = 0;
  let unasked: string | undefined;
  let bytesPerSecond = 0;
  let droppedBytes = 0;
  let lostCount = 0;
  let questionCount = 0;

  const spring = <F>(traps: Trap<F>[], chunk: Buffer): Trap<F> | undefined => {
    const index = traps.findIndex(({ text }) => chunk.includes(text));
    return index < 0 ? undefined : traps.splice(index, 1)[0];
  };
  const trap = <F>(traps: Trap<F>[], text: string, fate: F): SetTrap => {
    const { promise, resolve } = Promise.withResolvers<void>();
    traps.push({ text, fate, sprung: resolve });
    return { sprung: promise };
  };

  const end = (pair: Pair) => {
    pairs.delete(pair);
    pair.client.resetAndDestroy();
    pair.server.destroy();
  };
  const write = (pair: Pair, to: Socket, chunk: Buffer) => {
    if (delayMs > 0 && to === pair.client) return void setTimeout(() => to.destroyed || to.write(chunk), delayMs);
    if (bytesPerSecond === 0) return void to.write(chunk);
    const now = performance.now();
    const at = Math.max(now, pair.freeAt.get(to) ?? 0) + (chunk.length / bytesPerSecond) * 1_000;
    pair.freeAt.set(to, at);
    setTimeout(() => to.destroyed || to.write(chunk), at - now);
  };
  const pass = (pair: Pair, to: Socket, chunk: Buffer) => {
    if (pair.isStranded) return;
    if (mode === 'hold') pair.held.push({ to, chunk });
    else if (mode === 'drop-replies' && to === pair.client) {
      pair.isBroken = true;
      droppedBytes += chunk.length;
    } else write(pair, to, chunk);
  };
  const ask = (pair: Pair, chunk: Buffer) => {
    questionCount += 1;
    if (unasked !== undefined && chunk.includes(unasked)) {
      lostCount += 1;
      end(pair);
      return;
    }
    const sprung = spring(questions, chunk);
    if (sprung !== undefined) {
      pair.fate = sprung.fate;
      pair.isStranded ||= sprung.fate === 'stall';
      if (sprung.fate === 'stall') lostCount += 1;
      sprung.sprung();
    }
    pass(pair, pair.server, chunk);
  };
  const answer = (pair: Pair, chunk: Buffer) => {
    const swallowed = spring(answers, chunk);
    if (swallowed === undefined && (pair.fate === undefined || pair.fate === 'stall')) {
      pass(pair, pair.client, chunk);
      return;
    }
    swallowed?.sprung();
    if (typeof swallowed?.fate === 'object' && 'lateMs' in swallowed.fate) {
      setTimeout(() => {
        if (pair.client.destroyed) lostCount += 1;
        else pair.client.write(chunk);
      }, swallowed.fate.lateMs);
      return;
    }
    lostCount += 1;
    if (pair.fate === 'hang') return;
    if (typeof pair.fate === 'object') pair.client.write(chunk.subarray(0, pair.fate.cutAfter));
    end(pair);
  };

  const listener = createServer((client) => {
    if (mode === 'reset') {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const server = connect(Number(upstream.port), upstream.hostname);
    const pair: Pair = { client, server, held: [], isBroken: false, isStranded: false, freeAt: new Map() };
    pairs.add(pair);
    client.on('data', (chunk: Buffer) => ask(pair, chunk));
    server.on('data', (chunk: Buffer) => answer(pair, chunk));
    for (const socket of [client, server]) {
      socket.on('error', () => undefined);
      socket.on('close', () => end(pair));
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(async () => {
    for (const pair of pairs) end(pair);
    await new Promise<void>((resolve) => listener.close(() => resolve()));
  });
  const { port } = listener.address() as { port: number };
  return {
    url: Object.assign(new URL(target), { host: `127.0.0.1:${port}` }).href,
    set: (next) => {
      mode = next;
      for (const pair of pairs) {
        if (mode === 'reset' || (pair.isBroken && mode !== 'drop-replies')) end(pair);
        else for (const { to, chunk } of pair.held.splice(0)) pass(pair, to, chunk);
      }
    },
    turnTo: (next) => {
      upstream = new URL(next);
    },
    delay: (ms) => {
      delayMs = ms;
    },
    droppedBytes: () => droppedBytes,
    loseAnswerTo: (text, fate) => trap(questions, text, fate),
    loseAnswerWith: (text, lateMs) => trap(answers, text, lateMs === undefined ? 'close' : { lateMs }),
    loseQuestions: (text) => {
      unasked = text;
    },
    lostCount: () => lostCount,
    strand: () => {
      for (const pair of pairs) pair.isStranded = true;
    },
    halfClose: () => {
      for (const pair of pairs) pair.client.end();
    },
    throttle: (rate) => {
      bytesPerSecond = rate;
    },
    connectionCount: () => pairs.size,
    questionCount: () => questionCount,
  };
}
