import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localSecrets } from '../../src/local/secrets.ts';
import { temporaryFolder } from '../helpers/own-names.ts';

test('secrets are made once and are the same at every later start', async (t) => {
  const dataDir = join(await temporaryFolder(t), 'data');
  const first = localSecrets(dataDir);
  expect(first.made).toBe(true);
  expect(Buffer.from(first.ticketKey, 'hex')).toHaveLength(32);
  expect(Buffer.from(first.couponKey, 'hex')).toHaveLength(32);
  expect(first.couponKey).not.toBe(first.ticketKey);
  expect(localSecrets(dataDir)).toEqual({ ...first, made: false });
});

test('only the owner may read the secrets', async (t) => {
  const dataDir = await temporaryFolder(t);
  localSecrets(dataDir);
  expect((await stat(join(dataDir, 'secrets.json'))).mode & 0o777).toBe(0o600);
});

test('secrets that cannot be read are refused and not replaced', async (t) => {
  const dataDir = await temporaryFolder(t);
  await writeFile(join(dataDir, 'secrets.json'), '{"adminToken":"a"');
  expect(() => localSecrets(dataDir)).toThrow(/unreadable secrets/);
  expect(() => localSecrets(dataDir)).toThrow(/unreadable secrets/);
});
