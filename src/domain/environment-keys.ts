// Keys of one environment: staging's tickets and codes are not production's, also where both were given the same secrets.
import { hkdfSync } from 'node:crypto';
import type { TicketKeys } from './ticket.ts';

/** The key that `key` stands for in this environment (HKDF-SHA-256, RFC 5869); without a name `key` itself. */
export function environmentKey(environment: string | undefined, purpose: 'ticket' | 'coupon', key: Buffer): Buffer {
  if (environment === undefined) return key;
  return Buffer.from(hkdfSync('sha256', key, '', `sluice ${purpose} ${environment}`, 32));
}

/** The same for every signing key of tickets. */
export function environmentTicketKeys(environment: string | undefined, { keys, ...rest }: TicketKeys): TicketKeys {
  return {
    ...rest,
    keys: new Map([...keys].map(([id, key]) => [id, environmentKey(environment, 'ticket', key)])),
  };
}

/** The key (HKDF-SHA-256) that the relay seals records with: all workers of an environment can make it. */
export const recordKeyOf = (couponKey: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', couponKey, '', 'sluice records', 32));
