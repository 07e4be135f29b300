// `npx sluice doctor`: opens its own connections, looks at everything, prints it.
import type { Config } from '../config/config.ts';
import { visibleJson, visibleLines } from '../domain/text.ts';
import { executedMigrations } from '../ledger/migrate.ts';
import { type Ledger, openLedger } from '../ledger/pool.ts';
import { shownAddress as ledgerAddress, ledgerObstacle } from '../ledger/reach.ts';
import { limits } from '../process/limits.ts';
import { openFast, untilReady } from '../redis/connection.ts';
import { shownAddress as redisAddress, redisObstacle } from '../redis/reach.ts';
import { frontPromise } from './configured.ts';
import { examineGates, examineServers } from './examine.ts';
import { type Finding, reasonOf } from './finding.ts';
import { examineKafka } from './kafka.ts';
import { notedServices } from './noted-services.ts';
import { examineOutbox } from './outbox.ts';
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
    const problem = `Sluice has not run with the data folder ${config.dataDir}. Set REDIS_URL and DATABASE_URL, or DATA_DIR, or run npm start first.`;
    err(problemText(problem, json));
    return DOCTOR_EXIT.unreachable;
  }
  const [stores, kafka] = await Promise.all([lookAt(config, redisUrl, databaseUrl), examineKafka(config)]);
  const findings = [...stores, ...kafka];
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
    // A connection that ends because of such an error says less in the error that follows.
    if (lastError === undefined || !redisObstacle(lastError, redisUrl).lasting) lastError = error;
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
  const isUnseen = ({ check, status }: Finding) => status === 'unknown' && ['redis', 'ledger'].includes(check);
  if (!servers.some(isUnseen)) {
    // Campaigns are in tables; without those the line about the tables says all there is to say.
    if (!(await hasTables(ledger))) return servers;
    return [...servers, ...(await examineGates({ redis, ledger })), ...(await examineOutbox(ledger, config))];
  }
  const ledgerError = await ledger.run('SELECT 1', []).then(
    () => undefined,
    (error: unknown) => error,
  );
  return servers.map((finding) => {
    if (!isUnseen(finding)) return finding;
    const obstacle =
      finding.check === 'redis' ? redisObstacle(lastError, redisUrl) : ledgerObstacle(ledgerError, databaseUrl);
    const found = finding.check === 'redis' && lastError !== undefined ? reasonOf(lastError) : finding.found;
    const at = finding.check === 'redis' ? redisAddress(redisUrl) : ledgerAddress(databaseUrl);
    return obstacle === undefined
      ? finding
      : { ...finding, found, means: `${at}: ${obstacle.what}`, remedy: obstacle.cure };
  });
}

/** A question that fails is answered by the checks, each with its reason. */
const hasTables = (ledger: Ledger): Promise<boolean> =>
  executedMigrations(ledger).then(
    ({ executed }) => executed.length > 0,
    () => true,
  );
