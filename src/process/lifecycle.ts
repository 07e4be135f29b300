// How a process ends: one signal drains, what was opened closes in reverse order, and a deadline ends what hangs.
import { isFault } from '../domain/fault.ts';

export interface Stopping {
  /** Aborts when the process has been asked to end. */
  signal: AbortSignal;
}

/**
 * Listens for SIGINT and SIGTERM. A second signal does not wait any longer; nor does what still hangs `deadlineMs` after
 * the first one (a client library that waits for a server that is gone): exit code 1.
 */
export function listenForStop(deadlineMs?: number): Stopping {
  const controller = new AbortController();
  controller.signal.addEventListener('abort', () => {
    if (deadlineMs !== undefined) setTimeout(() => process.exit(1), deadlineMs).unref();
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Error(signal));
    });
  }
  // A process that started this one and died without a word closes the channel between them.
  process.on('disconnect', () => controller.abort(new Error('the parent process is gone')));
  // Listening to that channel alone must not keep a process that has drained.
  process.channel?.unref();
  return { signal: controller.signal };
}

/** What the process rests on breaks a promise, and starting it again does not help: its message says what does. */
export class RefusedStart extends Error {}

/** EX_CONFIG of sysexits.h: the configuration that is wrong may be that of a server. */
const EXIT_REFUSED_START = 78;

/** How an error is told without what it must not tell. */
export interface ErrorWords {
  inLine: (error: Error) => string;
  inFull: (error: unknown) => string;
}

/**
 * What ends the process is told in one line where a person can do something about it, in full where it is a bug: never as
 * it is, for errors of drivers carry passwords and statements. Exit code 1, or 78 for a {@link RefusedStart}.
 */
export function tellFailuresPlainly(words: ErrorWords): void {
  process.on('uncaughtException', (error) => {
    console.error(plainly(error, words) ?? words.inFull(error));
    process.exit(error instanceof RefusedStart ? EXIT_REFUSED_START : 1);
  });
}

function plainly(error: unknown, { inLine }: ErrorWords): string | undefined {
  if (isFault(error)) return inLine(error);
  if (error instanceof RefusedStart) return error.message;
  return error instanceof NoListener ? error.message : undefined;
}

class NoListener extends Error {}

/** Settings of a listener, by name and by value. */
interface ListenerSettings {
  portName: string;
  hostName: string;
  host: string;
  port: number;
}

/**
 * Opens a listener. What the machine says against its address is told in one line that names the setting: exit code 1 for
 * a port that is taken, which may pass, and 78 for the rest.
 */
export async function listening<T>(settings: ListenerSettings, open: () => Promise<T>): Promise<T> {
  const { portName, hostName, host, port } = settings;
  try {
    return await open();
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'EADDRINUSE') {
      throw new NoListener(
        `${portName}: port ${port} of ${host} is in use by another process. Do: stop that process, or set ${portName} to another port`,
      );
    }
    const refused: Record<string, string> = {
      EACCES: `${portName}: this user may not listen on port ${port}. Do: set ${portName} to 1024 or more`,
      EADDRNOTAVAIL: `${hostName}: this machine has no address ${host}. Do: set ${hostName} to one of its addresses, or to 0.0.0.0`,
      ENOTFOUND: `${hostName}: the host name ${host} cannot be resolved. Do: set ${hostName} to an address of this machine`,
    };
    refused.EAI_AGAIN = refused.ENOTFOUND!;
    refused.EAFNOSUPPORT = refused.EADDRNOTAVAIL!;
    throw code !== undefined && Object.hasOwn(refused, code) ? new RefusedStart(refused[code]) : error;
  }
}

/** Resolves when the signal aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Waits `ms`, or less when the signal aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Waits for `work`, at most `ms`. Its timer does not outlive the work: a forgotten one would hold up the exit. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  await Promise.race([work, pause(ms, over.signal)]).finally(() => over.abort());
}

/** Exponential with full jitter: the wait before attempt `attempt` (from 0), between half and all of min·2ⁿ ≤ max. */
export function backoffMs(attempt: number, minMs: number, maxMs: number): number {
  const full = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 20));
  return full / 2 + (Math.random() * full) / 2;
}
