// One log line is one JSON object. Of an error only what `describeError` lets pass is written.
import { type Logger, pino } from 'pino';
import { describeError } from './describe-error.ts';

export type Log = Logger;

export function createLog(service: string, level: string): Log {
  const serialize = (error: unknown) => describeError(error);
  return pino({
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: serialize, error: serialize },
  });
}
