#!/usr/bin/env node
// `npx sluice`: what an operator does to campaigns, through the admin API, and the doctor. npx puts node_modules/.bin
// first on PATH, so this runs on the Node that came with the packages, whatever the machine has.
import { hostname, userInfo } from 'node:os';
import { EXIT } from './cli/exit.ts';
import { runCli } from './cli/run.ts';
import { ConfigError, readAutoscaleConfig, readCliSettings, readConfig } from './config/config.ts';
import { tellFailuresPlainly } from './process/lifecycle.ts';
import { EXIT_OUTPUT_LOST, outliveOutput } from './process/output.ts';
import { errorWords } from './telemetry/describe-error.ts';

// An error of a library is not printed as it is: it may hold the whole of an address, password included.
tellFailuresPlainly(errorWords);

outliveOutput({
  means: 'The command did its work; its answer is lost.',
  exitCode: EXIT_OUTPUT_LOST,
});
const out = (text: string) => void process.stdout.write(text);
const err = (text: string) => void process.stderr.write(text);

const closed = new AbortController();
for (const event of ['close', 'error']) process.stdout.on(event, () => closed.abort());

process.exitCode = await runCli(process.argv.slice(2), {
  out,
  err,
  // Node looks at NO_COLOR itself.
  terminal: {
    isScreen: process.stdout.isTTY === true,
    hasColour: process.stdout.isTTY && process.stdout.hasColors(),
    closed: closed.signal,
  },
  settings: () => {
    const read = settingsOr(readCliSettings);
    return read instanceof ConfigError ? read.message : read;
  },
  actor: `${systemUser()}@${hostname()}`,
  doctor: async (json) => {
    const config = settingsOr(() =>
      readConfig(undefined, { inProduction: ['REDIS_URL', 'DATABASE_URL'], listeners: true }),
    );
    // Only now: the clients of both stores take longer to load than any other verb to run.
    const { reportConfiguration, runDoctor } = await import('./doctor/command.ts');
    const output = { out, err, json };
    return config instanceof ConfigError ? reportConfiguration(config.message, output) : runDoctor(config, output);
  },
  autoscale: async () => {
    const config = settingsOr(readAutoscaleConfig);
    if (config instanceof ConfigError) {
      err(`${config.message}\n`);
      return EXIT.configuration;
    }
    const { runAutoscaler } = await import('./autoscale/command.ts');
    await runAutoscaler(config, (line) => out(`${line}\n`));
    return EXIT.done;
  },
});

function settingsOr<T>(read: () => T): T | ConfigError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** Containers may run as a number that has no name. */
function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`;
  }
}
