// Fronts and workers as processes, of this repository or of a copy of it that was broken on purpose.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Owner } from '../../helpers/tcp-proxy.ts';
import { type Child, startChild, untilPrinted } from './child.ts';

export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
export const ADMIN_TOKEN = 'a-token-for-faults-only';
const SECRETS = {
  COUPON_KEY: 'c0'.repeat(32),
  TICKET_KEYS: `1:${'7e'.repeat(32)}`,
  ADMIN_TOKEN,
  TELEMETRY: 'off',
};

export interface ProcessPlan {
  folder: string;
  /** The code that runs. */
  root?: string;
  redisUrl: string;
  databaseUrl: string;
  environment?: Record<string, string>;
  wrapper?: readonly string[];
}

export interface Front extends Child {
  url: string;
  adminUrl: string;
}

/** Resolves when it answers. */
export async function startFront(t: Owner, plan: ProcessPlan): Promise<Front> {
  const dataDir = join(plan.folder, 'front');
  mkdirSync(dataDir, { recursive: true });
  const child = start(t, plan, 'front', ['src/main.ts', '--no-rehearsal'], {
    DATA_DIR: dataDir,
    PORT: '0',
    ADMIN_PORT: '0',
    WORKERS: '0',
    POLLS_PER_CLIENT_PER_SECOND: '0',
  });
  const [, url] = await untilPrinted(child, /Sluice sells at +(\S+)/);
  const [, adminUrl] = await untilPrinted(child, /admin API +(\S+)/);
  return { ...child, url: url!, adminUrl: adminUrl! };
}

/** Resolves when it issues. */
export async function startWorker(t: Owner, name: string, plan: ProcessPlan): Promise<Child> {
  const child = start(t, plan, `worker-${name}`, ['workers/main.ts'], { WORKER_NAME: name, CLAIM_IDLE_MS: '1000' });
  await untilPrinted(child, /"msg":"issuing"/);
  return child;
}

/** What `sluice doctor` finds, by check. */
export async function askDoctor({ folder, root = REPOSITORY, redisUrl, databaseUrl, environment }: ProcessPlan) {
  const stores = { REDIS_URL: redisUrl, DATABASE_URL: databaseUrl, DATA_DIR: join(folder, 'front') };
  const child = startChild({
    name: 'doctor',
    folder,
    command: [process.execPath, 'src/cli.ts', 'doctor', '--json'],
    cwd: root,
    environment: { ...SECRETS, ...stores, ...environment },
  });
  await child.ended;
  const report = child.output().match(/^\{"exitCode".*$/m)?.[0];
  if (report === undefined) throw new Error(`the doctor has no report:\n${child.output()}`);
  const { findings } = JSON.parse(report) as { findings: { check: string; status: string; found: string }[] };
  return new Map(findings.map((finding) => [finding.check, finding]));
}

function start(
  t: Owner,
  { folder, root = REPOSITORY, redisUrl, databaseUrl, environment, wrapper = [] }: ProcessPlan,
  name: string,
  args: string[],
  presets: Record<string, string>,
): Child {
  const stores = { REDIS_URL: redisUrl, DATABASE_URL: databaseUrl };
  const child = startChild({
    name,
    folder,
    command: [...wrapper, process.execPath, ...args],
    cwd: root,
    environment: { ...SECRETS, ...presets, ...stores, ...environment },
  });
  t.onTestFinished(async () => {
    child.signal('SIGCONT');
    await child.end();
  });
  return child;
}
