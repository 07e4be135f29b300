// How many connections one address may have to each listener of a front, and which addresses are read slowly.
import { limits } from '../process/limits.ts';
import type { AddressBound } from './open-server.ts';
import { privateConnectionsBy, publicConnectionsBy } from './peer-address.ts';
import type { SlowReadingOptions } from './slow-reading.ts';

export interface PublicBoundSettings {
  /** 0 for no bound. */
  connectionsPerAddress: number;
  trustedProxies: readonly string[];
}

/** A proxy carries a crowd: neither those that are listed are counted, nor private addresses, which no buyer has. */
export function publicConnectionsBound({
  connectionsPerAddress: max,
  trustedProxies,
}: PublicBoundSettings): AddressBound | undefined {
  return max === 0 ? undefined : { max, countedBy: publicConnectionsBy(trustedProxies) };
}

/**
 * Whose connections to the public port are read slowly. Where an operator has switched a limit by address off, an address
 * carries a crowd.
 */
export function publicSlowReading({
  connectionsPerAddress,
  joinsPerAddressPerSecond,
  trustedProxies,
}: PublicBoundSettings & { joinsPerAddressPerSecond: number }): SlowReadingOptions | undefined {
  if (connectionsPerAddress === 0 || joinsPerAddressPerSecond === 0) return undefined;
  return { countedBy: publicConnectionsBy(trustedProxies) };
}

export const adminConnectionsBound = (onRefused: () => void): AddressBound => ({
  max: limits.adminConnectionsPerAddressMax,
  countedBy: privateConnectionsBy,
  onRefused,
});

/**
 * An operator may share a proxy of the private network, listed or not, with those who guess tokens: its connections are
 * read as fast as ever.
 */
export const adminSlowReading = (trustedProxies: readonly string[], onSlowed: () => void): SlowReadingOptions => ({
  countedBy: publicConnectionsBy(trustedProxies),
  onSlowed,
});

export const telemetryConnectionsBound = (): AddressBound => ({
  max: limits.telemetryConnectionsPerAddressMax,
  countedBy: privateConnectionsBy,
});
