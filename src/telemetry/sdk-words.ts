// What the OpenTelemetry SDK has to say, in our log: a collector that is away, spans that were dropped, a variable that it
// does not understand. It says nothing to anybody by itself. OTEL_LOG_LEVEL gives it a logger of its own instead.
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { describeError } from './describe-error.ts';
import type { Log } from './log.ts';
import { createLogOnce } from './log-once.ts';

/** Call it before the SDK is made. Warnings and errors have a line each; the rest of a while is counted in one. */
export function tellSdkWords(log: Pick<Log, 'warn'>): void {
  const once = createLogOnce<'warn' | 'error'>();
  const tell = (kind: 'warn' | 'error') => (text: string) => {
    const problem = describeError(new Error(wordsOf(text))).message;
    once(
      kind,
      () => log.warn({ problem }, 'telemetry: the OpenTelemetry SDK reports a problem'),
      (count, withinMs) => log.warn({ problem, count, withinMs }, 'telemetry: this line counts further problems'),
    );
  };
  const nothing = () => undefined;
  const logger = { error: tell('error'), warn: tell('warn'), info: nothing, debug: nothing, verbose: nothing };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

/** Errors come as JSON with their stack. */
function wordsOf(text: string): string {
  try {
    const { name, code, message } = JSON.parse(text) as Record<string, unknown>;
    return [name, code, message].filter((part) => typeof part === 'string' && part !== '').join(' ');
  } catch {
    return text;
  }
}
