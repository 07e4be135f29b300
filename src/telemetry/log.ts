// One log line is one JSON object. Errors are written by an allow-list: drivers attach commands, and commands hold
// passwords and user ids.
import { type Logger, pino } from 'pino';

export type Log = Logger;

export function createLog(service: string, level: string): Log {
  return pino({
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError, error: describeError },
  });
}

/** Name, code, message and where it was thrown; of its cause the same. Nothing else of an error is ever logged. */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error).slice(0, 200) };
  const code = (error as { code?: unknown }).code;
  return {
    name: error.name,
    message: withoutSecrets(error.message),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    at: error.stack
      ?.split('\n')
      .find((line) => line.includes('/src/') || line.includes('/workers/'))
      ?.trim(),
    ...(error.cause instanceof Error ? { cause: describeError(error.cause) } : {}),
  };
}

const withoutSecrets = (message: string): string =>
  message.replaceAll(/(\w+:\/\/[^:/\s]*:)[^@\s]+@/g, '$1…@').slice(0, 500);
