import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keptPassword, keptPort, openDataFolder } from '../../src/local/data-folder.ts';
import { identityOf } from '../../src/local/process-identity.ts';
import { temporaryFolder } from '../helpers/own-names.ts';

const MODULE = new URL('../../src/local/data-folder.ts', import.meta.url).href;

test('of many starts at once on the folder of a dead Sluice exactly one gets it', async (t) => {
  const path = await temporaryFolder(t);
  const dead = spawn(process.execPath, ['-e', '']);
  const identity = identityOf(dead.pid!)!;
  await once(dead, 'exit');
  await writeFile(join(path, 'lock'), JSON.stringify(identity));

  // Each holds what it got until it is told the result of all.
  const script = `import { openDataFolder } from '${MODULE}';
    try { openDataFolder(process.argv[1]); console.log('got'); } catch (error) { console.log(error.code); }
    process.stdin.resume();`;
  const rivals = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', script, path], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  t.onTestFinished(() => rivals.forEach((rival) => void rival.kill('SIGKILL')));
  const answers = await Promise.all(rivals.map(async (rival) => String((await once(rival.stdout, 'data'))[0]).trim()));
  expect(answers.toSorted()).toEqual(['conflict', 'conflict', 'conflict', 'conflict', 'conflict', 'got']);
});

test('a lock that is released can be taken again, by the same process too', async (t) => {
  const path = await temporaryFolder(t);
  const folder = openDataFolder(path);
  expect(() => openDataFolder(path)).toThrow(`pid ${process.pid}`);
  folder.release();
  openDataFolder(path).release();
});

test('ports and passwords are kept by name and differ between names', async (t) => {
  const folder = openDataFolder(await temporaryFolder(t));
  const names = ['a', 'b'];
  const ports = await Promise.all(names.map((name) => keptPort(folder, name)));
  const passwords = names.map((name) => keptPassword(folder, name));
  expect(new Set([...ports, ...passwords]).size).toBe(4);
  expect(await Promise.all(names.map((name) => keptPort(folder, name)))).toEqual(ports);
  expect(names.map((name) => keptPassword(folder, name))).toEqual(passwords);
});
