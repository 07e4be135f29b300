#!/usr/bin/env node
// `npx sluice`: what an operator does to campaigns, through the admin API. npx puts node_modules/.bin first on PATH, so
// this runs on the Node that came with the packages, whatever the machine has.
import { hostname, userInfo } from 'node:os';
import { runCli } from './cli/run.ts';
import { ConfigError, readCliSettings } from './config.ts';

process.exitCode = await runCli(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  settings: () => {
    try {
      return readCliSettings();
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
  },
  actor: `${systemUser()}@${hostname()}`,
});

/** Containers may run as a number that has no name. */
function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.()}`;
  }
}
