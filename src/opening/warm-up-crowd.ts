// The crowd of a front that warms up, in a thread of its own: a client beside the server in one thread makes the code that V8
// compiles for both fit neither (a front took 15 % fewer joins for as long as it ran).
import { Agent, request } from 'node:http';
import { workerData } from 'node:worker_threads';
import type { WarmUpApp } from '../composition/warm-up.ts';

type Asked = ReturnType<WarmUpApp['requestOf']>;

export interface WarmUpCrowd {
  /** Of the listener, on 127.0.0.1. */
  port: number;
  /** Sent in this order, each once. */
  requests: readonly Asked[];
  connections: number;
}

const { port, requests, connections } = workerData as WarmUpCrowd;
const agent = new Agent({ keepAlive: true, maxSockets: connections });
let sent = 0;

async function line(): Promise<void> {
  while (sent < requests.length) await answered(requests[sent++]!);
}

function answered(asked: Asked): Promise<void> {
  return new Promise((resolve, reject) => {
    request({ agent, host: '127.0.0.1', port, ...asked }, (response) => {
      response.resume().once('end', resolve).once('error', reject);
    })
      .once('error', reject)
      .end();
  });
}

await Promise.all(Array.from({ length: connections }, line));
agent.destroy();
