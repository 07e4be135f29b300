// Opens the two listeners of a front. Both close with `open`.
import type { Config } from '../config/config.ts';
import { publicConnectionsMax, readOpenFilesMax } from '../doctor/open-files.ts';
import { type Listener, listen } from '../http/listen.ts';
import { answerWhileStarting } from '../http/public/starting.ts';
import {
  adminConnectionsBound,
  adminSlowReading,
  publicConnectionsBound,
  publicSlowReading,
} from '../listener/connection-bounds.ts';
import { listening } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import type { HearBounds } from '../telemetry/bounded-connections.ts';

export interface PublicListener extends Listener {
  /** From now on `hears` hears of connections whose address has too many, or is refused too often. */
  tell: (hears: HearBounds) => void;
}

/** Answers 503 until its `serve` is called. */
export async function openPublicListener(config: Config, open: AsyncDisposableStack): Promise<PublicListener> {
  const { front, keepAliveMs } = config;
  const perAddress = publicConnectionsBound(config);
  const slowReading = publicSlowReading({ ...config, ...config.clientLimits });
  const connectionsMax = publicConnectionsMax(readOpenFilesMax());
  const listener = await listening({ portName: 'PORT', hostName: 'HOST', ...front }, () =>
    listen({ fetch: answerWhileStarting, keepAliveMs, connectionsMax, perAddress, slowReading, ...front }),
  );
  open.defer(() => listener.close(0).then(() => undefined));
  const tell = ({ onRefused, onSlowed }: HearBounds) => {
    if (perAddress !== undefined) perAddress.onRefused = onRefused;
    if (slowReading !== undefined) slowReading.onSlowed = onSlowed;
  };
  return { ...listener, tell };
}

export async function openAdminListener(
  { admin, keepAliveMs, trustedProxies }: Config,
  fetch: Parameters<typeof listen>[0]['fetch'],
  { onRefused, onSlowed }: HearBounds,
  open: AsyncDisposableStack,
): Promise<Listener> {
  const { host, port } = admin;
  const connectionsMax = limits.adminListenerConnectionsMax;
  const perAddress = adminConnectionsBound(onRefused);
  const slowReading = adminSlowReading(trustedProxies, onSlowed);
  const listener = await listening({ portName: 'ADMIN_PORT', hostName: 'ADMIN_HOST', ...admin }, () =>
    listen({ fetch, keepAliveMs, host, port, connectionsMax, perAddress, slowReading }),
  );
  open.defer(() => listener.close(1_000).then(() => undefined));
  return listener;
}
