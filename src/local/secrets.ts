// The secrets of a Sluice that was given none: made at the first start and kept, so that tickets and codes stay valid.
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../domain/fault.ts';
import { writeWhole } from './data-folder.ts';

export interface LocalSecrets {
  /** 32 base64url characters. */
  adminToken: string;
  /** 32 bytes in hex, each. */
  ticketKey: string;
  couponKey: string;
}

/**
 * Reads `<dataDir>/secrets.json`, or makes it (mode 0600) when there is none; `made` says which. Throws `corrupt-state`
 * when it cannot be read as secrets: new ones in its place would disown every ticket signed so far.
 */
export function localSecrets(dataDir: string): LocalSecrets & { made: boolean } {
  const file = join(dataDir, 'secrets.json');
  const kept = read(file);
  if (kept !== undefined) return { ...kept, made: false };
  const secrets: LocalSecrets = {
    adminToken: randomBytes(24).toString('base64url'),
    ticketKey: randomBytes(32).toString('hex'),
    couponKey: randomBytes(32).toString('hex'),
  };
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeWhole(file, `${JSON.stringify(secrets, null, 2)}\n`);
  return { ...secrets, made: true };
}

function read(file: string): LocalSecrets | undefined {
  try {
    const { adminToken, ticketKey, couponKey } = JSON.parse(readFileSync(file, 'utf8')) as Partial<LocalSecrets>;
    if (!adminToken || !isKey(ticketKey) || !isKey(couponKey)) throw new Error('a secret is missing or malformed');
    chmodSync(file, 0o600);
    return { adminToken, ticketKey, couponKey };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Fault('corrupt-state', `unreadable secrets in ${file}: ${(error as Error).message}`, { cause: error });
  }
}

const isKey = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
