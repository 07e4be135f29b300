// What a program does when its output cannot be written: its reader left (`| head -1`), or the disk is full.

/** EX_IOERR of sysexits.h: the program did its work, and what it printed is lost. */
export const EXIT_OUTPUT_LOST = 74;

/**
 * Keeps the process alive when it cannot print; without this Node ends it with a stack and exit code 1. A reader that left
 * has what it wanted: nothing is said, and the exit code stays. Any other failure of standard output is told once on
 * standard error, followed by `means`; an exit code of 0 then becomes `exitCode`, where one is given.
 */
export function outliveOutput({ means, exitCode }: { means: string; exitCode?: number }): void {
  let isLost = false;
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || isLost) return;
    isLost = true;
    process.stderr.write(`Standard output cannot be written (${error.message}). ${means}\n`);
  });
  process.on('exit', (code) => {
    if (isLost && code === 0 && exitCode !== undefined) process.exitCode = exitCode;
  });
}

/** Resolves when all that was printed has left this process or is lost: `process.exit` cuts off what waits for a pipe. */
export async function outputWritten(): Promise<void> {
  const streams = [process.stdout, process.stderr];
  await Promise.all(streams.map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
}
