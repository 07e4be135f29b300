// `npm run faults`: hurts the service in the ways of the catalogue and proves what it promises all the same.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalServices } from '../../src/local/services.ts';
import { EXIT_OUTPUT_LOST, outliveOutput, outputWritten } from '../../src/process/output.ts';
import { asAdministrator } from '../helpers/database-administrator.ts';
import { readArguments, USAGE } from './arguments.ts';
import { CASES } from './registry.ts';
import { closingLine, outcomeLine, uncoveredLines } from './report.ts';
import { type Outcome, runCase } from './runner.ts';
import { openScope } from './stage/scope.ts';

outliveOutput({ means: 'The outcomes are lost.', exitCode: EXIT_OUTPUT_LOST });
const scope = openScope();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
let exitCode = 64;
try {
  exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(USAGE);
} finally {
  await scope.close();
}
// Not left to end by itself: a case that failed may have something open, and Node 26.10 has been seen to spin for ever in
// its own clean-up (Environment::CleanupHandles) after a run of all cases.
await outputWritten();
process.exit(exitCode);

async function main(argv: string[]): Promise<number> {
  const { list, seed, chosen } = readArguments(argv);
  if (list) {
    for (const { numbers, name, awaits, slow, quick } of CASES) {
      const marks = [quick && 'quick', slow && 'slow', awaits && `awaits ${awaits}`].filter(Boolean);
      console.log(`${numbers.join(', ')}: ${name}${marks.length > 0 ? ` [${marks.join(', ')}]` : ''}`);
    }
    for (const line of uncoveredLines(CASES)) console.log(line);
    return 0;
  }
  let database: Promise<string> | undefined;
  const sharedDatabaseUrl = () => {
    database ??= startSharedDatabase();
    return database;
  };
  const outcomes: Outcome[] = [];
  console.log(`seed ${seed}`);
  for (const one of CASES.filter(chosen)) {
    for (const outcome of await runCase(one, seed, { sharedDatabaseUrl, keepsFailures: true })) {
      outcomes.push(outcome);
      console.log(outcomeLine(outcome));
    }
  }
  for (const line of uncoveredLines(CASES)) console.log(line);
  const { line, survived } = closingLine(outcomes);
  console.log(line);
  return survived ? 0 : 1;
}

/** One server for all cases that do not hurt theirs: each makes a database of its own on it. */
async function startSharedDatabase(): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-faults-database-'));
  const services = await startLocalServices({ dataDir, redis: false, database: true, report: () => undefined });
  scope.onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  scope.onTestFinished(() => services.close());
  return await asAdministrator(dataDir, services.databaseUrl!);
}
