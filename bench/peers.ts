// The peers that are servers, started like Sluice's front: same core, same wait for the first answer.
import { fileURLToPath } from 'node:url';
import { answersOk, freePort, startChild, untilReady } from './processes.ts';

export interface PeerServer extends AsyncDisposable {
  port: number;
  pid: number;
}

const PROGRAMS = {
  'bare-hono': new URL('./peers/bare-hono.ts', import.meta.url),
  'hono-bullmq': new URL('./peers/hono-bullmq.ts', import.meta.url),
  'hono-kafka': new URL('./peers/hono-kafka.ts', import.meta.url),
};

export async function startPeer(name: keyof typeof PROGRAMS, args: string[] = []): Promise<PeerServer> {
  const port = await freePort();
  const command = [process.execPath, fileURLToPath(PROGRAMS[name]), '--port', String(port), ...args];
  const child = startChild({ role: 'contender', command });
  await untilReady(name, child, () => answersOk(`http://127.0.0.1:${port}/readyz`));
  return { port, pid: child.pid, [Symbol.asyncDispose]: child.stop };
}
