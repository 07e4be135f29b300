// One log line is one JSON object. Of an error only what `describeError` lets pass is written.
import { type Logger, pino } from 'pino';
import { limits } from '../process/limits.ts';
import { describeError } from './describe-error.ts';

export type Log = Logger;

export function createLog(service: string, level: string): Log {
  const serialize = (error: unknown) => describeError(error);
  const options = {
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: serialize, error: serialize },
  };
  return pino(options, { write });
}

/** Not pino's own stream: on a full disk that ends the process, and then tries to write its last lines until it is killed. */
function write(line: string): void {
  if (process.stdout.writableLength < limits.logBytesWaitingMax) process.stdout.write(line);
}
