// The crowd of a front that warms up, in a thread of its own: a client beside the server in one thread makes the code that V8
// compiles for both fit neither.
import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

export interface WarmUpCrowd {
  /** Of the listener. */
  url: string;
  /** Sent in this order, each once. */
  requests: readonly { method: string; path: string; headers: Record<string, string> }[];
  connections: number;
}

/** After it nothing more is sent. */
export type WarmUpWord = 'enough';

const { url, requests, connections } = workerData as WarmUpCrowd;
const agent = new Agent({ keepAlive: true, maxSockets: connections });
let sent = 0;
parentPort!.once('message', () => {
  sent = requests.length;
});
// It ends when all is answered, whether or not the word came.
parentPort!.unref();

async function line(): Promise<void> {
  while (sent < requests.length) await answered(requests[sent++]!);
}

function answered({ path, ...asked }: WarmUpCrowd['requests'][number]): Promise<void> {
  return new Promise((resolve, reject) => {
    request(new URL(path, url), { agent, ...asked }, (response) => {
      response.resume().once('end', resolve).once('error', reject);
    })
      .once('error', reject)
      .end();
  });
}

await Promise.all(Array.from({ length: connections }, line));
agent.destroy();
