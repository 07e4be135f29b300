// The load generator: wrk with a generated script where the machine has wrk, autocannon otherwise. Closed loop, one thread.
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { crowdPrefix, SCATTER } from './crowd.ts';
import { runJob, startJobs } from './jobs.ts';
import { findBinary, startChild } from './processes.ts';

export interface Load {
  port: number;
  method: 'GET' | 'POST';
  /** Asked for in turn. */
  paths: readonly string[];
  /** Sends X-User-Id with a new member of this crowd on every request; the name must be new in every run. */
  crowd?: string;
  /** A file of bearer tokens, one a line, sent in turn. */
  tokensFile?: string;
  connections: number;
  seconds: number;
}

export interface LoadResult {
  requests: number;
  elapsedMs: number;
  ratePerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers of 400 and above. */
  refusedCount: number;
  /** Connections that could not be opened, broke or timed out. */
  brokenCount: number;
}

const wrk = findBinary('wrk');
export const loadGenerator = wrk === undefined ? 'autocannon' : 'wrk';
/** How long wrk may take to open its connections. */
const START_SECONDS_MAX = 30;

/** Runs the load against 127.0.0.1. `folder` takes the generated script. */
export async function runLoad(load: Load, folder: string): Promise<LoadResult> {
  return wrk === undefined ? runAutocannon(load) : runWrk(wrk, load, folder);
}

async function runWrk(file: string, load: Load, folder: string): Promise<LoadResult> {
  const [script, report, started] = ['load.lua', 'load.json', 'load.started'].map((name) => join(folder, name));
  for (const path of [report!, started!]) rmSync(path, { force: true });
  writeFileSync(script!, wrkScript(load, report!, started!));
  const { connections, seconds, port } = load;
  const duration = `-d${Math.ceil(seconds) + START_SECONDS_MAX}s`;
  const options = ['-t1', `-c${connections}`, duration, '--timeout', '10s'];
  const child = startChild({ role: 'load', command: [file, ...options, '-s', script!, `http://127.0.0.1:${port}/`] });
  const exited = once(child.child, 'exit');
  const startDeadline = performance.now() + START_SECONDS_MAX * 1000;
  while (!existsSync(started!) && child.child.exitCode === null && performance.now() < startDeadline) await sleep(5);
  // wrk takes whole seconds; it is told to stop earlier by the signal it handles as the end of the test, but only once
  // it has set itself up: it is told again until it does.
  await Promise.race([exited, sleep(seconds * 1000)]);
  const telling = setInterval(() => child.child.kill('SIGINT'), 100);
  child.child.kill('SIGINT');
  const [code, signal] = await exited;
  clearInterval(telling);
  if (code !== 0) throw new Error(`wrk ended with ${code ?? signal}: ${child.output()}`);
  const told = JSON.parse(readFileSync(report!, 'utf8'));
  const elapsedMs = told.durationUs / 1000;
  return {
    requests: told.requests,
    elapsedMs,
    ratePerSecond: (told.requests / elapsedMs) * 1000,
    p50Ms: told.p50Us / 1000,
    p99Ms: told.p99Us / 1000,
    refusedCount: told.status,
    brokenCount: told.broken,
  };
}

function wrkScript(load: Load, report: string, started: string): string {
  const heads = load.paths.map((path) => JSON.stringify(`${load.method} ${path} HTTP/1.1\r\nHost: bench\r\n`));
  const user =
    load.crowd === undefined
      ? `"\\r\\n"`
      : `"X-User-Id: ${crowdPrefix(load.crowd)}" .. string.format("%08x", (n * ${SCATTER}) % 4294967296) .. "\\r\\n\\r\\n"`;
  const { tokensFile } = load;
  const tokens =
    tokensFile === undefined
      ? '{}'
      : `{}\nfor line in io.lines(${JSON.stringify(tokensFile)}) do tokens[#tokens + 1] = line end`;
  const rest =
    tokensFile === undefined ? user : `"Authorization: Bearer " .. tokens[n % #tokens + 1] .. "\\r\\n\\r\\n"`;
  return `local tokens = ${tokens}
local heads = { ${heads.join(',\n')} }
local n, count = 0, #heads
function request()
  n = n + 1
  if n == 2 then io.open(${JSON.stringify(started)}, 'w'):close() end -- the first call is wrk's own check of the script
  return heads[n % count + 1] .. ${rest}
end
function done(summary, latency)
  local e = summary.errors
  local file = io.open(${JSON.stringify(report)}, 'w')
  file:write(string.format('{"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"status":%d,"broken":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
  file:close()
end
`;
}

async function runAutocannon(load: Load): Promise<LoadResult> {
  await using jobs = await startJobs('load', new URL('./autocannon.ts', import.meta.url), []);
  return await runJob<LoadResult>(jobs, load);
}

/** Which statuses a load meets, each with its count: one request after another, for the message when a count is wrong. */
export async function sampleStatuses(load: Load, count = 20): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  for (let i = 0; i < count; i += 1) {
    const headers = load.crowd === undefined ? {} : { 'x-user-id': `sample-${load.crowd}-${i}` };
    const url = `http://127.0.0.1:${load.port}${load.paths[i % load.paths.length]}`;
    const response = await fetch(url, { method: load.method, headers });
    await response.arrayBuffer();
    statuses[response.status] = (statuses[response.status] ?? 0) + 1;
  }
  return statuses;
}
