// npm run rehearse: a crowd against a running service, and a judge that trusts neither.

import { rehearsalEnvironment } from '../config/config.ts';
import { databaseUrlProblem } from '../config/urls.ts';
import { tellFailuresPlainly } from '../process/lifecycle.ts';
import { EXIT_OUTPUT_LOST, outliveOutput } from '../process/output.ts';
import { errorWords } from '../telemetry/describe-error.ts';
import { CannotRun, NotAllowed } from './cannot-run.ts';
import { EXIT, rehearse } from './rehearsal.ts';
import { type ReadSettings, readSettings } from './settings.ts';

tellFailuresPlainly(errorWords);

outliveOutput({ means: 'The verdict is lost.', exitCode: EXIT_OUTPUT_LOST });

async function main(): Promise<number> {
  const read = readAll(process.argv.slice(2));
  if (read.kind === 'help') {
    process.stdout.write(`${read.text}\n`);
    return EXIT.kept;
  }
  if (read.kind === 'problems') {
    process.stderr.write(`The rehearsal cannot start:\n${read.problems.map((problem) => `  - ${problem}\n`).join('')}`);
    return EXIT.badArguments;
  }
  const interruption = new AbortController();
  // Once: a second SIGINT ends the process at the spot.
  process.once('SIGINT', () => interruption.abort());
  return rehearse({ stdout: process.stdout, stderr: process.stderr, interrupted: interruption.signal }, read.settings);
}

function readAll(argv: string[]): ReadSettings {
  const { environment, problems } = rehearsalEnvironment();
  const read = readSettings(argv, environment, problems);
  if (read.kind !== 'settings') return read;
  const problem = databaseUrlProblem(read.settings.databaseUrl);
  return problem === undefined ? read : { kind: 'problems', problems: [`the address of the ledger ${problem}`] };
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof CannotRun)) throw error;
  process.stderr.write(`The rehearsal could not run: ${error.message}\n`);
  process.exitCode = error instanceof NotAllowed ? EXIT.notAllowed : EXIT.couldNotRun;
}
