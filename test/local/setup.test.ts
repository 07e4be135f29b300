// The whole of setup.mjs, in a project of its own with package managers that only write down what they were asked.
import { spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { temporaryFolder } from '../helpers/own-names.ts';

const SOURCES = new URL('../../src/local/', import.meta.url);
const NOBODY = 65_534;
const asRoot = process.getuid?.() === 0;

interface Project {
  root: string;
  /** Where commands are found, and nowhere else. */
  commands: string;
  /** Where servers are found, and nowhere else. */
  servers: string;
}

/** A lock file with one package in this version, and one of another platform. */
const lockOf = (version: string): string =>
  JSON.stringify({
    packages: { '': {}, 'node_modules/a': { version }, 'node_modules/b': { version, optional: true } },
  });

/** A project whose dependencies are installed, on a machine without servers and package managers. */
async function bareProject(t: TestContext): Promise<Project> {
  const root = await temporaryFolder(t);
  const project = { root, commands: join(root, 'commands'), servers: join(root, 'servers') };
  for (const folder of ['src/local', 'commands', 'servers']) await mkdir(join(root, folder), { recursive: true });
  const scripts = (await readdir(SOURCES)).filter((name) => name.endsWith('.mjs'));
  for (const name of scripts) await copyFile(new URL(name, SOURCES), join(root, 'src/local', name));
  await writeFile(join(root, 'package-lock.json'), lockOf('1.0.0'));
  const bin = join(root, 'node_modules/.bin');
  await command(project, 'npm', `/bin/mkdir -p ${bin}; /bin/ln -sf ${process.execPath} ${bin}/node`);
  for (const folder of ['.', 'commands', 'servers']) await chmod(join(root, folder), 0o777);
  await writeFile(join(root, 'asked'), '');
  await chmod(join(root, 'asked'), 0o666);
  return project;
}

/** A command that writes down its arguments and then runs `script`. */
async function command({ root, commands }: Project, name: string, script = ':'): Promise<void> {
  const file = join(commands, name);
  await writeFile(file, `#!/bin/sh\necho "${name} $*" >> ${join(root, 'asked')}\n${script}\n`);
  await chmod(file, 0o755);
}

const asked = async ({ root }: Project) => (await readFile(join(root, 'asked'), 'utf8')).trimEnd().split('\n');

/** An apt-get that "installs" all servers when asked to any, tools alone when asked to them: programs that tell a version. */
async function aptGet(project: Project, { withProxies = true } = {}): Promise<void> {
  const program = (name: string, version: string) =>
    `printf '#!/bin/sh\\necho "${version}"\\n' > ${project.servers}/${name}; /bin/chmod 755 ${project.servers}/${name}`;
  const install = [
    program('redis-server', 'Redis server v=7.0.15 sha=0'),
    program('mariadbd', 'mariadbd  Ver 10.11.19-MariaDB for debian'),
    program('mariadb-install-db', ''),
    ...(withProxies ? [program('haproxy', ''), program('nginx', '')] : []),
    ...(withProxies
      ? ['promtool', 'amtool'].map((name) => `case "$*" in *prometheus*) ${program(name, '')} ;; esac`)
      : []),
  ].join('\n');
  await command(project, 'apt-get', `[ "$1 $2" = "install -y" ] || exit 0\n${install}`);
  await symlink('/usr/bin/env', join(project.commands, 'env'));
  // In place of those that would put a file in /usr/sbin where there is no policy-rc.d.
  for (const name of ['install', 'rm']) await command(project, name);
}

async function setup(project: Project, options: { args?: string[]; env?: Record<string, string>; uid?: number } = {}) {
  const { args = ['--search-path', project.servers], env = {}, uid } = options;
  const child = spawn(process.execPath, [join(project.root, 'src/local/setup.mjs'), ...args], {
    env: { PATH: project.commands, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  let text = '';
  for await (const chunk of child.stderr!.setEncoding('utf8')) text += chunk;
  return { exitCode: await closed, text };
}

test('npm ci runs when the packages are missing or of another lock file, and not otherwise', async (t) => {
  const project = await bareProject(t);
  const args = ['--dependencies-only'];
  const first = await setup(project, { args });
  expect(first).toMatchObject({
    exitCode: 0,
    text: expect.stringMatching(/installing the npm packages \(first start/),
  });
  expect(await setup(project, { args })).toEqual({ exitCode: 0, text: '' });
  expect(await asked(project)).toHaveLength(1);

  await writeFile(join(project.root, 'package-lock.json'), lockOf('1.0.1'));
  expect((await setup(project, { args })).text).toMatch(/the lock file has changed/);
  expect(await asked(project)).toEqual(Array(2).fill('npm ci --loglevel=error --progress=true'));
});

test('packages that somebody brought with npm before are not brought again', async (t) => {
  const project = await bareProject(t);
  const args = ['--dependencies-only'];
  await mkdir(join(project.root, 'node_modules/.bin'), { recursive: true });
  await symlink(process.execPath, join(project.root, 'node_modules/.bin/node'));
  await writeFile(join(project.root, 'node_modules/.package-lock.json'), lockOf('1.0.0'));
  expect(await setup(project, { args })).toEqual({ exitCode: 0, text: '' });
  await writeFile(join(project.root, 'package-lock.json'), lockOf('1.0.1'));
  expect((await setup(project, { args })).text).toMatch(/the lock file has changed/);
});

test('an npm ci that breaks is said and tried again at the next start', async (t) => {
  const project = await bareProject(t);
  await command(project, 'npm', 'exit 1');
  for (let start = 0; start < 2; start += 1) {
    const { exitCode, text } = await setup(project);
    expect([exitCode, text]).toEqual([1, expect.stringMatching(/npm ci failed/)]);
  }
  expect(await asked(project)).toHaveLength(2);
});

test('without servers and a way to install them it says what to type, and ends with 1', async (t) => {
  const project = await bareProject(t);
  const { exitCode, text } = await setup(project);
  expect(exitCode).toBe(1);
  expect(text).toMatch(/Redis >= 7\.0 \(or Valkey\) and MariaDB \(or MySQL\) not found/);
  expect(text).toMatch(/apt-get install -y --no-install-recommends redis-server mariadb-server-core\n/);
  expect(text).toMatch(/docker compose up -d redis mysql\n/);
  expect(text).toMatch(/export REDIS_URL=redis:\S+\n {2}export DATABASE_URL=mysql:\S+\n/);
});

test('a server that has an address is not looked for; the tests have addresses of their own', async (t) => {
  const project = await bareProject(t);
  const env = { REDIS_URL: 'redis://r', DATABASE_URL: 'mysql://d' };
  expect((await setup(project, { env })).exitCode).toBe(0);
  const testing = { ...env, npm_lifecycle_event: 'pretest' };
  expect((await setup(project, { env: testing })).text).toMatch(/run npm test again[\s\S]*export TEST_REDIS_URL=/);
  const { text } = await setup(project, { env: { ...testing, TEST_REDIS_URL: 'redis://r' } });
  expect(text).toMatch(/^\n?MariaDB \(or MySQL\) not found/);
});

test('a Redis before 7.0 counts as none', async (t) => {
  const project = await bareProject(t);
  const old = join(project.servers, 'redis-server');
  await writeFile(old, '#!/bin/sh\necho "Redis server v=6.2.14 sha=0"\n');
  await chmod(old, 0o755);
  const { text } = await setup(project, { env: { DATABASE_URL: 'mysql://d' } });
  expect(text).toMatch(/Redis >= 7\.0 \(or Valkey\) not found/);
});

test.runIf(asRoot)('root: apt-get brings what is missing, and says so first', async (t) => {
  const project = await bareProject(t);
  await aptGet(project);
  const { exitCode, text } = await setup(project);
  expect([exitCode, text]).toEqual([0, expect.stringMatching(/installing with apt-get, as root: redis-server maria/)]);
  const lines = await asked(project);
  expect(lines).toContain('apt-get install -y --no-install-recommends redis-server mariadb-server-core');
  expect(lines).not.toContain('apt-get update');
  expect(lines.filter((line) => /haproxy|nginx|prometheus/.test(line))).toEqual([]);
  expect(await setup(project)).toEqual({ exitCode: 0, text: '' });
});

test.runIf(asRoot)('the lists of packages are fetched when apt-get does not know the packages', async (t) => {
  const project = await bareProject(t);
  await aptGet(project);
  const lists = join(project.root, 'lists');
  const known = await readFile(join(project.commands, 'apt-get'), 'utf8');
  const unknown = `[ "$1" = update ] && : > ${lists}\n[ -e ${lists} ] || exit 100\n`;
  await writeFile(join(project.commands, 'apt-get'), known.replace('[ "$1 $2"', `${unknown}[ "$1 $2"`));
  expect((await setup(project, { env: { DATABASE_URL: 'mysql://d' } })).exitCode).toBe(0);
  const apt = (await asked(project)).filter((line) => line.startsWith('apt-get'));
  expect(apt).toEqual([
    'apt-get install --simulate redis-server',
    'apt-get update',
    'apt-get install -y --no-install-recommends redis-server',
  ]);
});

test('a user without root uses sudo only where it asks for no password', async (t) => {
  const project = await bareProject(t);
  const user = asRoot ? { uid: NOBODY } : {};
  await setup(project, { args: ['--dependencies-only'] });
  await aptGet(project);
  await command(project, 'sudo', 'exit 1');
  expect(await setup(project, user)).toMatchObject({ exitCode: 1, text: expect.stringMatching(/Do one of these/) });

  await command(project, 'sudo', 'shift\n[ "$1" = true ] || "$@"');
  const { exitCode, text } = await setup(project, user);
  expect([exitCode, text]).toEqual([0, expect.stringMatching(/installing with apt-get, by sudo/)]);
  expect(await asked(project)).toContain(
    'sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends redis-server mariadb-server-core',
  );
});

test('an installation that brings nothing ends with what to type', async (t) => {
  const project = await bareProject(t);
  await command(project, 'brew', 'exit 1');
  const { exitCode, text } = await setup(project);
  expect([exitCode, text]).toEqual([
    1,
    expect.stringMatching(/installing with Homebrew[\s\S]*brew install valkey mariadb\n/),
  ]);
  expect(await asked(project)).toContain('brew install valkey mariadb');
});

const TESTING = { npm_lifecycle_event: 'pretest', TEST_REDIS_URL: 'redis://r', TEST_DATABASE_URL: 'mysql://d' };

test.runIf(asRoot)('the proxies of the tests are brought by `npm test`, where that needs no password', async (t) => {
  const project = await bareProject(t);
  await aptGet(project);
  const { exitCode, text } = await setup(project, { env: TESTING });
  expect([exitCode, text]).toEqual([0, expect.stringMatching(/HAProxy and nginx not found; installing with apt-get/)]);
  const installed = await asked(project);
  expect(installed).toContain('apt-get install -y --no-install-recommends haproxy nginx');
  expect(installed).toContain('apt-get install -y --no-install-recommends prometheus prometheus-alertmanager');
  expect(await setup(project, { env: TESTING })).toEqual({ exitCode: 0, text: '' });
});

test('tests are run without the proxies where these cannot be had, which is said', async (t) => {
  const project = await bareProject(t);
  const skipped = /HAProxy and nginx not found: the tests that need them are skipped\. To run them: sudo apt-get/;
  expect(await setup(project, { env: TESTING })).toEqual({ exitCode: 0, text: expect.stringMatching(skipped) });
  await aptGet(project, { withProxies: false });
  expect(await setup(project, { env: TESTING })).toEqual({ exitCode: 0, text: expect.stringMatching(skipped) });
});
