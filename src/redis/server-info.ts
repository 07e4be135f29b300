// What INFO says, by field.
import type { Redis } from 'ioredis';

/** Fields of an answer to INFO or CLUSTER INFO. */
export function infoFields(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\r\n').filter((line) => line.includes(':') && !line.startsWith('#'));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

export const infoOf = async (server: Redis, section: 'server' | 'clients' | 'memory' | 'stats' | 'persistence') =>
  infoFields(await server.info(section));
