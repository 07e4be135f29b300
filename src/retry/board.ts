// bull-board: the retrier's queue in a browser, to look at and not to touch.
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serveStatic } from '@hono/node-server/serve-static';
import { openQueue, type RetryDeps } from './bullmq.ts';

/**
 * The board as routes below `basePath`, on a connection of its own. Everything that would change a job is refused.
 * `adminUrl` is where browsers reach it, if that is not the listener's own address: its path stands in all links.
 */
export function openBoard(deps: RetryDeps, basePath: string, adminUrl?: string) {
  const { queue, close } = openQueue(deps);
  const serverAdapter = new HonoAdapter(serveStatic);
  serverAdapter.setBasePath(basePath);
  createBullBoard({
    queues: [new BullMQAdapter(queue, { readOnlyMode: true })],
    serverAdapter,
    options: { uiConfig: { boardTitle: 'Sluice retries' } },
  });
  const routes = serverAdapter.registerPlugin();
  // Files are found by the path that arrives here, which a proxy has cut; links are read where it has not.
  if (adminUrl !== undefined) serverAdapter.setBasePath(new URL(adminUrl).pathname.replace(/\/$/, '') + basePath);
  return { routes, close };
}
