// `npx sluice doctor`: opens its own connections, looks at everything, prints it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { visibleJson, visibleLines } from '../domain/text.ts';
import { openLedger } from '../ledger/pool.ts';
import { limits } from '../limits.ts';
import { openFast, untilReady } from '../redis/connection.ts';
import { frontPromise } from './configured.ts';
import { examineGates, examineServers } from './examine.ts';
import { type Finding, reasonOf } from './finding.ts';
import { DOCTOR_EXIT, exitCodeOf, jsonOf, textOf } from './report.ts';

interface Output {
  out: (text: string) => void;
  err: (text: string) => void;
  json: boolean;
}

/** Resolves with the exit code, see {@link DOCTOR_EXIT}; never rejects because of what it finds. */
export async function runDoctor(config: Config, { out, err, json }: Output): Promise<number> {
  const noted = notedServices(config);
  const redisUrl = config.redisUrl ?? noted.redisUrl;
  const databaseUrl = config.databaseUrl ?? noted.databaseUrl;
  if (redisUrl === undefined || databaseUrl === undefined) {
    const problem = `No Sluice has run on the data folder ${config.dataDir}: set REDIS_URL and DATABASE_URL, or DATA_DIR, or npm start.`;
    err(problemText(problem, json));
    return DOCTOR_EXIT.unreachable;
  }
  const findings = await lookAt(config, redisUrl, databaseUrl);
  out(json ? jsonOf(findings) : textOf(findings));
  return exitCodeOf(findings);
}

/** Tells what is wrong with the settings; nothing is opened. Returns the exit code. */
export function reportConfiguration(problems: string, { err, json }: Output): number {
  err(problemText(problems, json));
  return DOCTOR_EXIT.configuration;
}

const problemText = (text: string, json: boolean): string =>
  json ? `${visibleJson({ problems: text.split('\n') })}\n` : visibleLines(`${text}\n`);

async function lookAt(config: Config, redisUrl: string, databaseUrl: string): Promise<Finding[]> {
  await using open = new AsyncDisposableStack();
  const { acquireMs, statementMs } = limits;
  const ledger = open.use(
    openLedger({ url: databaseUrl, name: 'doctor', connectionMax: 1, queueMax: 10, acquireMs, statementMs }),
  );
  let lastError: Error | undefined; // says more than that Redis was not ready in time
  const onError = (error: Error) => {
    lastError = error;
  };
  const redis = open.adopt(
    openFast({ url: redisUrl, ca: config.redisCa, name: 'sluice-doctor', onError, commandMs: limits.gateCallMs }),
    (client) => client.disconnect(),
  );
  await untilReady(redis, acquireMs).catch((late: Error) => {
    lastError ??= late;
  });
  const servers = await examineServers({
    redis,
    ledger,
    ...frontPromise(config),
    migrates: false,
  });
  const reached = !servers.some(({ check, status }) => status === 'unknown' && ['redis', 'ledger'].includes(check));
  if (reached) return [...servers, ...(await examineGates({ redis, ledger }))];
  return servers.map((finding) =>
    finding.check === 'redis' && finding.status === 'unknown' && lastError !== undefined
      ? { ...finding, found: reasonOf(lastError) }
      : finding,
  );
}

/** Where the front of this data folder has its private servers; it writes that down at each start. */
function notedServices({ profile, dataDir }: Config): { redisUrl?: string; databaseUrl?: string } {
  if (profile !== 'local') return {};
  try {
    return JSON.parse(readFileSync(join(dataDir, 'services.json'), 'utf8')) as object;
  } catch {
    return {};
  }
}
