// `npm run test:mysql` and `npm run test:valkey`: the tests that need servers, on another product than the one this machine has.
// What follows the name of the lane is given to vitest. Where the server cannot be had the lane is skipped, and says so.
import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LANES, serverFolder } from './fetch.ts';

/** No test that starts its own servers alone starts a database. */
const PROJECTS = { mysql: ['served'], valkey: ['served', 'own'] };

const [name, ...args] = process.argv.slice(2);
const lane = LANES.find((known) => known === name);
if (lane === undefined) throw new Error(`usage: node test/lanes/main.ts ${LANES.join('|')} [arguments of vitest]`);

const folder = folderOf(lane);
if (folder === undefined) {
  console.log('0 passed, 0 failed, 1 skipped');
} else {
  const PATH = [folder, process.env.PATH].join(delimiter);
  const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
  const projects = PROJECTS[lane].flatMap((project) => ['--project', project]);
  const child = spawn(process.execPath, [vitest, 'run', ...projects, ...args], {
    stdio: 'inherit',
    env: { ...process.env, PATH, TEST_LANE: lane },
  });
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}

function folderOf(wanted: NonNullable<typeof lane>): string | undefined {
  try {
    return serverFolder(wanted);
  } catch (error) {
    console.error(`\nSKIPPED: the lane ${wanted} cannot get its server here, so NOTHING was tested on it.`);
    console.error(`${(error as Error).message}\n`);
    return undefined;
  }
}
