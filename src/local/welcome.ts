// What a person sees when the service is up: where everything is, and at the first local start a rehearsed sale.
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import { isWildcard } from '../domain/listen-address.ts';
import type { Furnished } from './furnish.ts';
import { rehearseCommand } from './next-step.ts';

export interface Welcome {
  place: Furnished;
  config: Config;
  publicUrl: string;
  adminUrl: string;
  /** Undefined when telemetry is off. */
  telemetryUrl: string | undefined;
  /** Workers that have reported to this Redis, wherever they run; undefined while it is unknown. */
  workersSeen: () => { seenCount: number; readyCount: number } | undefined;
  /** False leaves the rehearsal out. */
  rehearse: boolean;
  say: (line: string) => void;
  stopping: AbortSignal;
}

const REHEARSAL = fileURLToPath(new URL('../rehearsal/main.ts', import.meta.url));
const SIZE = ['--buyers', '5000', '--stock', '1000', '--rate', '2000'];

/** Prints the addresses; rehearses when this data folder has not seen it. Resolves when that is done. */
export async function welcome(options: Welcome): Promise<void> {
  const { place, config, publicUrl, adminUrl, say } = options;
  const metrics =
    options.telemetryUrl === undefined ? 'off' : `${options.telemetryUrl}/metrics${reach(config.telemetry.host)}`;
  say('');
  say(`Sluice sells at      ${publicUrl}   (API: ${publicUrl}/openapi.json)${reach(config.front.host)}`);
  say(`  admin API          ${adminUrl}   (API: ${adminUrl}/openapi.json)${reach(config.admin.host)}`);
  // One that was given is known to whoever gave it; on a terminal it would be known to more.
  if (config.admin.token === undefined) say(`  admin token        ${place.adminToken}`);
  say(`  metrics            ${metrics}`);
  for (const line of place.banner) say(`  ${line}`);
  say(`  workers            ${workersLine(config.workers, options.workersSeen())}`);
  say(`  durability         ${config.durability}`);
  const isOpen = config.identity.kind === 'header';
  if (isOpen) say('  Local profile: the front accepts any X-User-Id without a check. Do not use it in production.');

  const marker = join(place.dataDir, 'rehearsed');
  const canSell = isOpen && config.workers.count > 0;
  if (options.rehearse && config.profile === 'local' && canSell && !existsSync(marker)) {
    say('\nFirst a rehearsal: 5,000 buyers want 1,000 units.\n');
    if (await rehearse(options)) writeFileSync(marker, `${new Date().toISOString()}\n`);
  }
  if (options.stopping.aborted) return;
  say('\nReady. Ctrl-C stops Sluice. To rehearse a larger sale, run in another terminal:');
  say(`  ${rehearseCommand(config, { publicUrl, adminUrl })}`);
}

/** A URL holds one address; a listener on a wildcard has all of them. */
const reach = (host: string): string => (isWildcard(host) ? `   on every address of this machine (${host})` : '');

/** Says whether anything will be issued, which a number of configured workers does not. */
function workersLine({ count, scale }: Config['workers'], seen: ReturnType<Welcome['workersSeen']>): string {
  const own = scale === undefined ? `${count} started here` : `${scale.min} to ${scale.max} here, by what waits`;
  if (seen === undefined) return `${own}; others are unknown: the front cannot read the worker reports in Redis`;
  const { seenCount, readyCount } = seen;
  if (readyCount > 0) return `${own}, ${readyCount} ready on this Redis`;
  if (seenCount > 0)
    return `${own}, ${seenCount} on this Redis, none ready: tickets wait and are not issued until a worker is ready`;
  return `${own}, none on this Redis: tickets wait and are not issued until a worker runs (set WORKERS=1)`;
}

async function rehearse({ place, config, publicUrl, adminUrl, stopping }: Welcome): Promise<boolean> {
  const child = spawn(process.execPath, [REHEARSAL, ...SIZE, '--url', publicUrl, '--admin-url', adminUrl], {
    env: config.childEnvironment({ ADMIN_TOKEN: place.adminToken, DATABASE_URL: place.databaseUrl }),
    stdio: 'inherit',
    detached: true,
  });
  const stop = () => child.kill('SIGINT');
  stopping.addEventListener('abort', stop);
  const code = await new Promise<number | null>((resolve) =>
    child.once('exit', resolve).once('error', () => resolve(null)),
  );
  stopping.removeEventListener('abort', stop);
  return code === 0;
}
