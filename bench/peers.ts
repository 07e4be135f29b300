// The peers that are servers, started like Sluice's front: same core, same wait for the first answer.
import { fileURLToPath } from 'node:url';
import { answersOk, freePort, startChild, untilReady } from './processes.ts';

export interface PeerServer extends AsyncDisposable {
  port: number;
  pid: number;
}

export async function startPeer(name: 'bare-hono' | 'hono-bullmq', args: string[] = []): Promise<PeerServer> {
  const port = await freePort();
  const program = fileURLToPath(new URL(`./peers/${name}.ts`, import.meta.url));
  const command = [process.execPath, program, '--port', String(port), ...args];
  const child = startChild({ role: 'contender', command });
  await untilReady(name, child, () => answersOk(`http://127.0.0.1:${port}/readyz`));
  return { port, pid: child.pid, [Symbol.asyncDispose]: child.stop };
}
