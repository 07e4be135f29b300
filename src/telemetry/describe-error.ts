// What may be written of an error, by an allow-list: drivers attach commands and statements, libraries attach claims and
// jobs, and all of those hold passwords and user ids.

export interface ErrorDescription {
  name?: string;
  code?: string | number;
  message: string;
  /** Where in our code it was thrown, the nearest frame. */
  at?: string;
  cause?: ErrorDescription;
}

const MESSAGE_CHARS = 500;
/** A cause of a cause of a cause tells nothing new, and may lead in a circle. */
const CAUSES = 3;

/** Name, code, message without what it quotes, and where it was thrown; of its cause the same. Nothing else. */
export function describeError(error: unknown, causes = CAUSES): ErrorDescription {
  if (!(error instanceof Error)) return { message: withoutQuotes(String(error)) };
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  const at = framesOf(error).find((frame) => /\/(?:src|workers)\//.test(frame));
  return {
    name: error.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    message: wordsOf(error),
    ...(at === undefined ? {} : { at }),
    ...(cause !== undefined && causes > 0 ? { cause: describeError(cause, causes - 1) } : {}),
  };
}

/** How the end of a process is told to a person. */
export const errorWords = { inLine: wordsOf, inFull: errorInFull };

/** The same as a description, with all frames: a bug has to be found. */
function errorInFull(error: unknown, causes = CAUSES): string {
  if (!(error instanceof Error)) return withoutQuotes(String(error));
  const { name, code, message } = describeError(error, 0);
  const head = `${name}${code === undefined ? '' : ` (${code})`}: ${message}`;
  const cause = error.cause !== undefined && causes > 0 ? [`caused by ${errorInFull(error.cause, causes - 1)}`] : [];
  return [head, ...framesOf(error).map((frame) => `    ${frame}`), ...cause].join('\n');
}

/** Frames only: a stack begins with the message, whatever that holds. */
function framesOf({ name, message, stack = '' }: Error): string[] {
  const head = `${name}: ${message}`;
  const rest = stack.startsWith(head) ? stack.slice(head.length) : stack.slice(stack.indexOf('\n    at '));
  return rest
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '));
}

/** Its message; a database server's words are left out, its own and those that a Fault repeats: they hold rows. */
function wordsOf(error: Error): string {
  const { sqlMessage } = error as { sqlMessage?: unknown };
  if (typeof sqlMessage === 'string') return 'the server rejected the command';
  const repeated = (error.cause as { sqlMessage?: unknown } | undefined)?.sqlMessage;
  const isRepeated = typeof repeated === 'string' && repeated !== '';
  return withoutQuotes(isRepeated ? error.message.replaceAll(repeated.slice(0, MESSAGE_CHARS), '…') : error.message);
}

/**
 * What others quote in their messages is data: a duplicate key, a value, a command's arguments, half a file. From the first
 * quotation mark to the last, because a value may hold some itself. Addresses lose who logs in with what.
 */
function withoutQuotes(message: string): string {
  const [line = ''] = message.replaceAll(/(\w+:\/\/)\S*@/g, '$1…@').split('\n', 1);
  const from = line.search(/(?<!\w)['"`]/);
  if (from === -1) return line.slice(0, MESSAGE_CHARS);
  const rest = line.slice(from + 1).match(/.*['"`](.*)$/)?.[1];
  return `${line.slice(0, from)}'…'${rest ?? ''}`.slice(0, MESSAGE_CHARS);
}
