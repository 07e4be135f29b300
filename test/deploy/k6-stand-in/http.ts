// k6 asks without a promise: each request is a program that is waited for.
import { execFileSync } from 'node:child_process';
import { state } from './state.ts';

type Expected = (status: number) => boolean;

interface Params {
  headers?: Record<string, string>;
  responseCallback?: Expected;
}

const ASK = `
  const { method, url, headers, body } = JSON.parse(process.argv[1]);
  const answer = await fetch(url, { method, headers, body });
  // As k6 spells them.
  const spelt = (name) => name.replace(/(^|-)([a-z])/g, (all) => all.toUpperCase());
  const told = Object.fromEntries([...answer.headers].map(([name, value]) => [spelt(name), value]));
  console.log(JSON.stringify({ status: answer.status, headers: told, body: await answer.text() }));
`;

function request(method: string, url: string, body: string | null, params: Params = {}) {
  const { headers = {}, responseCallback = (status: number) => status < 400 } = params;
  const asked = JSON.stringify({ method, url, headers, body: body ?? undefined });
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', ASK, asked], { encoding: 'utf8' });
  const answer = JSON.parse(text) as { status: number; headers: Record<string, string>; body: string };
  if (!responseCallback(answer.status)) state().broken.push(`${method} ${url}: ${answer.status} ${answer.body}`);
  return { ...answer, json: () => JSON.parse(answer.body) as unknown };
}

export default {
  get: (url: string, params?: Params) => request('GET', url, null, params),
  post: (url: string, body: string | null, params?: Params) => request('POST', url, body, params),
  expectedStatuses:
    (...statuses: number[]): Expected =>
    (status) =>
      statuses.includes(status),
};
