// bull-board: the retrier's queue in a browser, to look at and not to touch.
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { HonoAdapter } from '@bull-board/hono';
import { serveStatic } from '@hono/node-server/serve-static';
import { openQueue, type RetryDeps } from './bullmq.ts';

/** The board as routes below `basePath`, on a connection of its own. Everything that would change a job is refused. */
export function openBoard(deps: RetryDeps, basePath: string) {
  const { queue, close } = openQueue(deps);
  const serverAdapter = new HonoAdapter(serveStatic);
  serverAdapter.setBasePath(basePath);
  createBullBoard({
    queues: [new BullMQAdapter(queue, { readOnlyMode: true })],
    serverAdapter,
    options: { uiConfig: { boardTitle: 'Sluice retries' } },
  });
  return { routes: serverAdapter.registerPlugin(), close };
}
