// How many connections one address may have to each listener of a front.
import { limits } from '../process/limits.ts';
import type { AddressBound } from './open-server.ts';
import { privateConnectionsBy, publicConnectionsBy } from './peer-address.ts';

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

export const adminConnectionsBound = (onRefused: () => void): AddressBound => ({
  max: limits.adminConnectionsPerAddressMax,
  countedBy: privateConnectionsBy,
  onRefused,
});

export const telemetryConnectionsBound = (): AddressBound => ({
  max: limits.telemetryConnectionsPerAddressMax,
  countedBy: privateConnectionsBy,
});
