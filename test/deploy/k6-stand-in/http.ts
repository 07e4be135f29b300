// k6 asks without a promise: each request is sent by another thread, and this one waits for it.
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Answer, Asked } from './asker.ts';
import { sampled, state } from './state.ts';

type Expected = (status: number) => boolean;

interface Params {
  headers?: Record<string, string>;
  tags?: Record<string, string>;
  responseCallback?: Expected;
}

const { port1, port2 } = new MessageChannel();
const answered = new Int32Array(new SharedArrayBuffer(4));
const worker = new Worker(new URL('./asker.ts', import.meta.url), {
  workerData: { answered, port: port2 },
  transferList: [port2],
});
// Neither keeps the process alive.
worker.unref();
port1.unref();

function request(method: string, url: string, body: string | null, params: Params = {}) {
  const { headers = {}, tags = {}, responseCallback = (status: number) => status < 400 } = params;
  const startedAt = performance.now();
  Atomics.store(answered, 0, 0);
  port1.postMessage({ method, url, headers, body } satisfies Asked);
  Atomics.wait(answered, 0, 0);
  const answer = receiveMessageOnPort(port1)!.message as Answer;
  const isExpected = responseCallback(answer.status);
  sampled('http_req_duration', performance.now() - startedAt, tags);
  sampled('http_req_failed', isExpected ? 0 : 1, tags);
  if (!isExpected) state().broken.push(`${method} ${url}: ${answer.status} ${answer.body}`);
  const json = (field?: string): unknown => {
    const whole = JSON.parse(answer.body) as Record<string, unknown>;
    return field === undefined ? whole : whole[field];
  };
  return { ...answer, json };
}

export default {
  get: (url: string, params?: Params) => request('GET', url, null, params),
  post: (url: string, body: string | null, params?: Params) => request('POST', url, body, params),
  del: (url: string, body: string | null, params?: Params) => request('DELETE', url, body, params),
  expectedStatuses:
    (...statuses: number[]): Expected =>
    (status) =>
      statuses.includes(status),
};
