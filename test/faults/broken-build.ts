// Copies of the service that are broken on purpose: what the checker must not let through.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Owner } from '../helpers/tcp-proxy.ts';
import { REPOSITORY } from './stage/sluice.ts';

export interface Patch {
  file: string;
  /** Stands exactly once in the file: a patch that no longer fits fails loudly. */
  from: string;
  to: string;
}

/** A copy of the code with these patches; its folder, gone with its owner. */
export function breakBuild(t: Owner, patches: readonly Patch[]): string {
  const root = mkdtempSync(join(tmpdir(), 'sluice-broken-'));
  t.onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const part of ['src', 'workers', 'lua', 'package.json']) {
    cpSync(join(REPOSITORY, part), join(root, part), { recursive: true });
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
  for (const { file, from, to } of patches) {
    const path = join(root, file);
    const text = readFileSync(path, 'utf8');
    const count = text.split(from).length - 1;
    if (count !== 1) throw new Error(`the patch of ${file} fits ${count} times: ${from}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
  return root;
}
