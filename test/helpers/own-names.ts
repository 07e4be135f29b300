// Folders and names of a test's own: for these no server has to run.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';

/** `prefix-xxxxxxxx`: lower-case letters and digits, so that it is also a campaign id. */
export const uniqueName = (prefix: string): string => `${prefix}-${randomBytes(4).toString('hex')}`;

/** An empty folder that is removed when the test ends. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-own-'));
  t.onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
