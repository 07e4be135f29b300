// A TCP proxy that loses the answer to a chosen question: the server did the work, and nobody was told.
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'vitest';

export interface LossyProxy {
  url: string;
  /** The next question that holds `text` is answered by a closed connection, or (`hang`) not at all. */
  loseAnswerTo: (text: string, how: 'close' | 'hang') => void;
  /** From now on questions that hold `text` never arrive: their connection closes. */
  loseQuestions: (text: string) => void;
  /** How many answers and questions were lost. */
  lostCount: () => number;
}

export async function startLossyProxy(t: TestContext, target: string): Promise<LossyProxy> {
  const upstream = new URL(target);
  const sockets = new Set<Socket>();
  let trap: { text: string; how: 'close' | 'hang' } | undefined;
  let unasked: string | undefined;
  let lost = 0;
  const server = createServer((client) => {
    const database = connect(Number(upstream.port), upstream.hostname);
    let sprung: 'close' | 'hang' | undefined;
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('data', (chunk) => {
      if (unasked !== undefined && chunk.includes(unasked)) {
        lost += 1;
        client.destroy();
        return;
      }
      if (trap !== undefined && chunk.includes(trap.text)) {
        sprung = trap.how;
        trap = undefined;
      }
      database.write(chunk);
    });
    database.on('data', (chunk) => {
      if (sprung === undefined) {
        client.write(chunk);
        return;
      }
      lost += 1;
      if (sprung === 'close') client.destroy();
    });
    client.on('close', () => database.destroy());
    database.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as { port: number };
  return {
    url: Object.assign(new URL(target), { host: `127.0.0.1:${port}` }).href,
    loseAnswerTo: (text, how) => {
      trap = { text, how };
    },
    loseQuestions: (text) => {
      unasked = text;
    },
    lostCount: () => lost,
  };
}
