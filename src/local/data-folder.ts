// The folder that private servers keep their data in: one Sluice at a time, and what outlives it written down.
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { Fault } from '../domain/fault.ts';
import { identityOf, isAlive, type ProcessIdentity, stopProcess } from './process-identity.ts';

export interface DataFolder {
  /** Absolute. */
  path: string;
  /** Gives the folder free for the next Sluice. */
  release(): void;
}

// Below the range the system takes ports of outgoing connections from (32768 on Linux), so that no client can sit on
// the port of a server while that is being started again.
const PORT_MIN = 21_000;
const PORT_MAX = 31_999;

/** Makes the folder if needed and takes its lock. Throws a `conflict` Fault that names the process holding it. */
export function openDataFolder(dataDir: string): DataFolder {
  const path = resolve(dataDir);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const lock = join(path, 'lock');
  const self = identityOf(process.pid);
  if (self === undefined) throw new Fault('invalid', 'cannot read the start time of this process (no /proc, no ps)');
  takeLock(lock, self);
  return { path, release: () => rmSync(lock, { force: true }) };
}

/** The port kept under `name`, or a new one, kept from now on, when there is none or somebody else listens on it. */
export async function keptPort(folder: DataFolder, name: string): Promise<number> {
  const file = join(folder.path, `${name}.port`);
  const kept = Number(readIfThere(file));
  if (kept > 0 && (await isFree(kept))) return kept;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = PORT_MIN + (randomBytes(4).readUInt32BE() % (PORT_MAX - PORT_MIN + 1));
    // Looked up after the wait: the other server of this folder chooses at the same time.
    if (!(await isFree(port)) || isKept(folder, port)) continue;
    writeWhole(file, `${port}\n`);
    return port;
  }
  throw new Fault('overloaded', `no free port between ${PORT_MIN} and ${PORT_MAX} on 127.0.0.1`);
}

const isKept = ({ path }: DataFolder, port: number): boolean =>
  readdirSync(path).some((file) => file.endsWith('.port') && Number(readIfThere(join(path, file))) === port);

/** The password kept under `name`; made when there is none. 32 hex characters, so that it needs no quoting anywhere. */
export function keptPassword(folder: DataFolder, name: string): string {
  const file = join(folder.path, `${name}.password`);
  const kept = readIfThere(file)?.trim();
  if (kept !== undefined && /^[0-9a-f]{32}$/.test(kept)) return kept;
  const password = randomBytes(16).toString('hex');
  writeWhole(file, `${password}\n`);
  return password;
}

/** Writes down which process serves `name`, for the next Sluice in case this one is killed. */
export function recordProcess(folder: DataFolder, name: string, pid: number | undefined): void {
  const identity = pid === undefined ? undefined : identityOf(pid);
  if (identity !== undefined) writeWhole(pidFile(folder, name), JSON.stringify(identity));
}

export const forgetProcess = (folder: DataFolder, name: string): void => rmSync(pidFile(folder, name), { force: true });

/** Stops what a killed Sluice left running under `name`; a process that only has its pid is left alone. */
export async function stopLeftover(folder: DataFolder, name: string, stopMs: number, report: (line: string) => void) {
  const identity = readIdentity(pidFile(folder, name));
  if (identity !== undefined && isAlive(identity)) {
    report(`${name}: stopping pid ${identity.pid}, left by an earlier run that was killed`);
    await stopProcess(identity, stopMs);
  }
  forgetProcess(folder, name);
}

/** Writes a file so that a reader or a crash sees all of it or nothing; only its owner may read it. */
export function writeWhole(file: string, content: string): void {
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, content, { mode: 0o600, flush: true });
  renameSync(draft, file);
}

const pidFile = (folder: DataFolder, name: string): string => join(folder.path, `${name}.pid`);

function takeLock(lock: string, self: ProcessIdentity): void {
  const draft = `${lock}.${self.pid}.draft`;
  writeFileSync(draft, JSON.stringify(self), { mode: 0o600 });
  try {
    // A link appears with its whole content or not at all, and never replaces another.
    for (let attempt = 0; attempt < 5 && !linked(draft, lock); attempt += 1) refuseOrClear(lock, self);
    const owner = readIdentity(lock);
    if (owner?.pid !== self.pid || owner.startedAt !== self.startedAt) throw locked(lock, owner);
  } finally {
    rmSync(draft, { force: true });
  }
}

function refuseOrClear(lock: string, self: ProcessIdentity): void {
  const owner = readIdentity(lock);
  if (owner !== undefined && isAlive(owner)) throw locked(lock, owner);
  // Taken aside and looked at once more: another start may have cleared the dead lock and taken its own meanwhile.
  const aside = `${lock}.${self.pid}.aside`;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  const taken = readIdentity(aside);
  if (taken !== undefined && isAlive(taken)) linked(aside, lock);
  rmSync(aside, { force: true });
}

function locked(lock: string, owner: ProcessIdentity | undefined): Fault {
  const who = owner === undefined ? 'another process' : `pid ${owner.pid}`;
  const folder = resolve(lock, '..');
  return new Fault(
    'conflict',
    `a Sluice (${who}) is already running on the data folder ${folder}; stop it, or set DATA_DIR to another folder`,
  );
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readIdentity(file: string): ProcessIdentity | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const { pid, startedAt } = value as Partial<ProcessIdentity>;
    return Number.isSafeInteger(pid) && typeof startedAt === 'string' ? { pid: pid!, startedAt } : undefined;
  } catch {
    return undefined;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const probe = createServer();
    probe.once('error', () => answer(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => answer(true)));
  });
}
