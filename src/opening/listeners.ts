// Opens the two listeners of a front. Both close with `open`.
import type { Config } from '../config/config.ts';
import { publicConnectionsMax, readOpenFilesMax } from '../doctor/open-files.ts';
import { type Listener, listen } from '../http/listen.ts';
import { answerWhileStarting } from '../http/public/starting.ts';
import { listening } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';

/** Answers 503 until it is told to serve. */
export async function openPublicListener(
  { front, keepAliveMs }: Config,
  open: AsyncDisposableStack,
): Promise<Listener> {
  const connectionsMax = publicConnectionsMax(readOpenFilesMax());
  const listener = await listening({ portName: 'PORT', hostName: 'HOST', ...front }, () =>
    listen({ fetch: answerWhileStarting, keepAliveMs, connectionsMax, ...front }),
  );
  open.defer(() => listener.close(0).then(() => undefined));
  return listener;
}

export async function openAdminListener(
  { admin, keepAliveMs }: Config,
  fetch: Parameters<typeof listen>[0]['fetch'],
  open: AsyncDisposableStack,
): Promise<Listener> {
  const { host, port } = admin;
  const connectionsMax = limits.adminListenerConnectionsMax;
  const listener = await listening({ portName: 'ADMIN_PORT', hostName: 'ADMIN_HOST', ...admin }, () =>
    listen({ fetch, keepAliveMs, host, port, connectionsMax }),
  );
  open.defer(() => listener.close(1_000).then(() => undefined));
  return listener;
}
