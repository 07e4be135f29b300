// Set up before each file of `npm run test:unit`: a test that starts a program or listens fails, also where the product
// would have swallowed the error.
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { Server } from 'node:net';
import { afterAll, afterEach } from 'vitest';

let opened: Error | undefined;

function refuse(what: string): never {
  const remedy =
    'import its server from test/helpers/, or whatever opens it, so that it runs with those that have servers';
  opened = new Error(`a test of test:unit opened a server or a program (${what}): ${remedy}`);
  throw opened;
}

for (const name of ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'] as const) {
  Object.assign(childProcess, { [name]: (first: unknown) => refuse(`${name} ${String(first)}`) });
}
// Named imports of them see this too.
syncBuiltinESMExports();
Server.prototype.listen = () => refuse('listen');

function tell(): void {
  const error = opened;
  opened = undefined;
  if (error !== undefined) throw error;
}
afterEach(tell);
afterAll(tell);
