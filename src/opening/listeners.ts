// Opens the two listeners of a front. Both close with `open`.
import type { Config } from '../config/config.ts';
import { publicConnectionsMax, readOpenFilesMax } from '../doctor/open-files.ts';
import { type Listener, listen } from '../http/listen.ts';
import { answerWhileStarting } from '../http/public/starting.ts';
import { adminConnectionsBound, publicConnectionsBound } from '../listener/connection-bounds.ts';
import { listening } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';

export interface PublicListener extends Listener {
  /** Calls `heard` from now on for each connection that is closed because its address has as many as it may have. */
  onRefused: (heard: () => void) => void;
}

/** Answers 503 until its `serve` is called. */
export async function openPublicListener(config: Config, open: AsyncDisposableStack): Promise<PublicListener> {
  const { front, keepAliveMs } = config;
  const perAddress = publicConnectionsBound(config);
  const connectionsMax = publicConnectionsMax(readOpenFilesMax());
  const listener = await listening({ portName: 'PORT', hostName: 'HOST', ...front }, () =>
    listen({ fetch: answerWhileStarting, keepAliveMs, connectionsMax, perAddress, ...front }),
  );
  open.defer(() => listener.close(0).then(() => undefined));
  const onRefused = (heard: () => void) => {
    if (perAddress !== undefined) perAddress.onRefused = heard;
  };
  return { ...listener, onRefused };
}

export async function openAdminListener(
  { admin, keepAliveMs }: Config,
  fetch: Parameters<typeof listen>[0]['fetch'],
  onRefused: () => void,
  open: AsyncDisposableStack,
): Promise<Listener> {
  const { host, port } = admin;
  const connectionsMax = limits.adminListenerConnectionsMax;
  const perAddress = adminConnectionsBound(onRefused);
  const listener = await listening({ portName: 'ADMIN_PORT', hostName: 'ADMIN_HOST', ...admin }, () =>
    listen({ fetch, keepAliveMs, host, port, connectionsMax, perAddress }),
  );
  open.defer(() => listener.close(1_000).then(() => undefined));
  return listener;
}
