// Which admin token the command line sends, and where it found it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TokenSettings {
  adminToken: string | undefined;
  readToken: string | undefined;
  dataDir: string;
}

/** The operator's token: ADMIN_TOKEN, else what `npm start` keeps in the data folder. */
export function operatorToken({ adminToken, dataDir }: TokenSettings): { token: string } | { problem: string } {
  if (adminToken !== undefined) return { token: adminToken };
  const file = join(dataDir, 'secrets.json');
  try {
    const { adminToken: kept } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    return typeof kept === 'string' ? { token: kept } : { problem: noToken(`${file} holds none`) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return {
      problem: noToken(code === 'ENOENT' ? `there is no ${file}` : `${file} cannot be read (${code ?? 'no JSON'})`),
    };
  }
}

/** The token for a request: one that may only read serves where there is no other. */
export function requestToken(settings: TokenSettings): { token: string } | { problem: string } {
  const { adminToken, readToken } = settings;
  if (adminToken === undefined && readToken !== undefined) return { token: readToken };
  return operatorToken(settings);
}

const noToken = (why: string): string =>
  `No admin token: ADMIN_TOKEN is not set, and ${why}. Set ADMIN_TOKEN, or set DATA_DIR to the data folder of the service (npm start makes its secrets.json).`;
