// The whole of `npm start` as a process of its own, on its own data folder and ports.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { identityOf, isAlive, type ProcessIdentity } from '../../src/local/process-identity.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { freePort } from '../helpers/free-port.ts';
import { temporaryFolder } from '../helpers/own-names.ts';
import {
  commandOf,
  descendantsOf,
  type Running,
  signalIfThere,
  startProgram,
  untilPrinted,
} from '../helpers/processes.ts';
import { until } from '../helpers/until.ts';

export interface Sluice extends Running {
  url: string;
  adminUrl: string;
  /** Everything it started that lives now. */
  family: () => ProcessIdentity[];
  /** The one process of its family whose command line matches. */
  member: (command: RegExp) => ProcessIdentity;
}

export interface Place {
  dataDir: string;
  environment: Record<string, string>;
}

/** A data folder and ports that nobody else has. Whatever is started there is gone when the test ends. */
export async function openPlace(t: TestContext): Promise<Place> {
  const dataDir = join(await temporaryFolder(t), 'data');
  const [port, adminPort] = [await freePort(), await freePort()];
  // A server may outlive the Sluice that a test killed; what the folder remembers of it is enough to find it.
  t.onTestFinished(() => {
    for (const name of ['redis', 'database']) {
      const identity = readIdentity(join(dataDir, `${name}.pid`));
      if (identity !== undefined && isAlive(identity)) signalIfThere(identity.pid, 'SIGKILL');
    }
  });
  return {
    dataDir,
    environment: {
      DATA_DIR: dataDir,
      PORT: String(port),
      ADMIN_PORT: String(adminPort),
      TELEMETRY: 'off',
      POLLS_PER_CLIENT_PER_SECOND: '0',
    },
  };
}

const REHEARSAL_OFF = ['--no-rehearsal'];
export const MAIN = [process.execPath, 'src/main.ts'];

/** Starts it and resolves when it says that it is ready. */
export async function startSluice(
  t: TestContext,
  { environment }: Place,
  { command = [...MAIN, ...REHEARSAL_OFF] }: { command?: string[] } = {},
): Promise<Sluice> {
  const program = startProgram(t, command, environment);
  await untilPrinted(program, /^Ready\. /m, 60_000);
  const [, url] = await untilPrinted(program, /Sluice sells at +(\S+)/);
  const [, adminUrl] = await untilPrinted(program, /admin API +(http\S+)/);
  const family = () => descendantsOf(program.pid).flatMap((pid) => identityOf(pid) ?? []);
  const member = (pattern: RegExp) => {
    const found = family().filter(({ pid }) => pattern.test(commandOf(pid)));
    if (found.length !== 1) throw new Error(`${found.length} processes match ${pattern}`);
    return found[0]!;
  };
  return { ...program, url: url!, adminUrl: adminUrl!, family, member };
}

/** The commands of those that are still there; empty when all are gone. */
export const stillThere = (family: readonly ProcessIdentity[]): string[] =>
  family.filter(isAlive).map(({ pid }) => commandOf(pid));

const adminTokenOf = (program: Running): string => program.output().match(/admin token +(\S+)/)![1]!;

/** A campaign made through the admin API that the front sells. */
export async function openCampaign(sluice: Sluice, id: string, stock: number): Promise<void> {
  return openCampaignWith({ adminUrl: sluice.adminUrl, adminToken: adminTokenOf(sluice) }, id, stock);
}

export async function openCampaignWith(
  { adminUrl, adminToken }: { adminUrl: string; adminToken: string },
  id: string,
  stock: number,
): Promise<void> {
  const answer = await fetch(`${adminUrl}/admin/campaigns`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id, stock }),
  });
  if (answer.status !== 201) throw new Error(`no campaign: ${answer.status} ${await answer.text()}`);
}

export async function joinCampaign(sluice: { url: string }, campaign: string, user: string) {
  const answer = await fetch(`${sluice.url}/v1/campaigns/${campaign}/tickets`, {
    method: 'POST',
    headers: { 'x-user-id': user },
  });
  return { status: answer.status, body: (await answer.json()) as { ticket: string; status: string } };
}

interface Told {
  status: string;
  issuance?: { unit: number; code: string };
}

export async function poll(sluice: { url: string }, ticket: string): Promise<{ status: number; body: Told }> {
  const answer = await fetch(`${sluice.url}/v1/tickets/${ticket}`);
  return { status: answer.status, body: (await answer.json()) as Told };
}

/** Its unit and code; an answer that is missing meanwhile is asked for again. */
export const untilIssued = (sluice: { url: string }, ticket: string, withinMs = DEADLINE_MS) =>
  until('the ticket is issued', withinMs, async () => {
    const told = await poll(sluice, ticket).catch(() => undefined);
    return told?.body.issuance;
  });

function readIdentity(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
