// One log line is one JSON object. Of an error only what `describeError` lets pass is written. Inside of a recorded trace a
// line names it, under the names that OpenTelemetry gives these fields in logs of other formats than its own.
import { trace } from '@opentelemetry/api';
import { type Logger, pino } from 'pino';
import { limits } from '../process/limits.ts';
import { describeError } from './describe-error.ts';
import { isSampled } from './spans.ts';

export type Log = Logger;

export function createLog(service: string, level: string): Log {
  const serialize = (error: unknown) => describeError(error);
  const options = {
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    mixin: traceFields,
    serializers: { err: serialize, error: serialize },
  };
  return pino(options, { write });
}

/** Not pino's own stream: on a full disk that ends the process, and then tries to write its last lines until it is killed. */
function write(line: string): void {
  if (process.stdout.writableLength < limits.logBytesWaitingMax) process.stdout.write(line);
}

function traceFields(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span !== undefined && isSampled(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
