// The files that are, or would be, in the repository.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../helpers/root.ts';

/** Folders that .gitignore names, and git's own: whether git is installed does not matter. */
const SKIPPED = new Set(['.git', ...read('.gitignore').match(/^[\w.-]+(?=\/$)/gm)!]);

/** The text of a file of the repository. */
export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Paths from the repository's root, with `/`, sorted; only those that end in one of `extensions`. */
export function sources(...extensions: string[]): string[] {
  return filesIn('').filter((path) => extensions.some((extension) => path.endsWith(extension)));
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  return entries
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesIn(path);
      return entry.isFile() ? [path] : [];
    })
    .toSorted();
}
