// Which package of the distribution a program belongs to, and what that package has patched: the number that a server
// tells stays the same when a distribution patches a hole.
import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { ServerPackage } from '../domain/server-package.ts';

const QUERY_MS = 10_000;

/** Undefined where the program is of no Debian package, or there is no dpkg. Never rejects. */
export async function packageOf(program: string): Promise<ServerPackage | undefined> {
  const name = (await ownerOf(program)) ?? (await ownerOf(await realpath(program).catch(() => program)));
  if (name === undefined) return undefined;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholder
  const version = await dpkgQuery('--show', '--showformat=${Version}', name);
  return version === undefined ? undefined : { name, version, patched: await patchedIn(name) };
}

/** `redis-server: /usr/bin/redis-server`, or `name:amd64: path` where a package may be installed twice. */
async function ownerOf(path: string): Promise<string | undefined> {
  const lines = (await dpkgQuery('--search', path))?.split('\n') ?? [];
  return lines.find((line) => line.endsWith(`: ${path}`) && !line.startsWith('diversion by '))?.split(/[:,]/, 1)[0];
}

async function dpkgQuery(...args: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('dpkg-query', args, { timeout: QUERY_MS });
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Slim images of containers leave changelogs out. */
async function patchedIn(name: string): Promise<string[]> {
  try {
    const packed = await readFile(`/usr/share/doc/${name}/changelog.Debian.gz`);
    const text = (await promisify(gunzip)(packed)).toString();
    return [...new Set(text.match(/\bCVE-\d{4}-\d{4,}\b/g))];
  } catch {
    return [];
  }
}
