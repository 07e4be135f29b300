// What a person sees when the local profile is up: where everything is, and at the first start a rehearsed sale.
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import { isWildcard } from '../domain/listen-address.ts';
import type { Place } from './furnish.ts';

export interface Welcome {
  place: Place;
  config: Config;
  publicUrl: string;
  adminUrl: string;
  /** Undefined when telemetry is off. */
  telemetryUrl: string | undefined;
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
  say(`  workers            ${config.workers.count}, durability ${config.durability}`);
  const isOpen = config.identity.kind === 'header';
  if (isOpen) say('  Local profile: anybody may name themselves in X-User-Id. Not for production.');

  const marker = join(place.dataDir, 'rehearsed');
  if (options.rehearse && config.profile === 'local' && isOpen && !existsSync(marker)) {
    say('\nA rehearsal first: 5,000 buyers want 1,000 units.\n');
    if (await rehearse(options)) writeFileSync(marker, `${new Date().toISOString()}\n`);
  }
  if (!options.stopping.aborted)
    say('\nReady. Ctrl-C stops it. Rehearse again: npm run rehearse -- --buyers 20000 --stock 5000');
}

/** A URL holds one address; a listener on a wildcard has all of them. */
const reach = (host: string): string => (isWildcard(host) ? `   on every address of this machine (${host})` : '');

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
