// npm run load -- <shape>: a crowd of a known shape against a service, judged by the bars of the shape.
import { loadEnvironment } from '../config/config.ts';
import { tellFailuresPlainly } from '../process/lifecycle.ts';
import { EXIT_OUTPUT_LOST, outliveOutput } from '../process/output.ts';
import { CannotRun, NotAllowed } from '../rehearsal/cannot-run.ts';
import type { Environment } from '../rehearsal/settings.ts';
import { errorWords } from '../telemetry/describe-error.ts';
import { readArguments } from './arguments.ts';
import { EXIT, runLoad } from './run-load.ts';

tellFailuresPlainly(errorWords);
outliveOutput({ means: 'The report is in its files.', exitCode: EXIT_OUTPUT_LOST });

const interruption = new AbortController();
// Once: a second SIGINT ends the process at the spot.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());

async function main(): Promise<number> {
  const { environment: known, problems, size, bare } = loadEnvironment();
  // Empty where something is wrong with it, which is told below.
  const environment: Environment = known;
  const read = readArguments(process.argv.slice(2), { ...size, ADMIN_URL: environment.ADMIN_URL });
  if (read.kind === 'help') {
    process.stdout.write(`${read.text}\n`);
    return EXIT.passed;
  }
  const wrong = [...problems, ...(read.kind === 'problems' ? read.problems : [])];
  if (read.kind === 'problems' || wrong.length > 0) {
    process.stderr.write(`The load cannot start:\n${wrong.map((problem) => `  - ${problem}\n`).join('')}`);
    return EXIT.badArguments;
  }
  const { stdout, stderr } = process;
  return runLoad({ stdout, stderr, stopping: interruption.signal, environment, bare }, read.arguments);
}

try {
  process.exitCode = await main();
} catch (error) {
  if (interruption.signal.aborted) process.exitCode = EXIT.interrupted;
  else if (error instanceof CannotRun) {
    process.stderr.write(`The load could not run: ${error.message}\n`);
    process.exitCode = error instanceof NotAllowed ? EXIT.notAllowed : EXIT.couldNotRun;
  } else throw error;
}
