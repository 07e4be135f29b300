// A Redis of the test's own that it may stop, let go on and kill; it comes back by itself after a kill.
import type { TestContext } from 'vitest';
import { signalIfThere } from '../helpers/processes.ts';
import { startRedis } from '../helpers/services.ts';
import { recorded } from '../local/own-services.ts';

export interface OwnRedis {
  url: string;
  stop: () => void;
  goOn: () => void;
  kill: () => void;
}

export async function ownRedis(t: TestContext): Promise<OwnRedis> {
  const { url, dataDir } = await startRedis(t);
  const signal = (name: NodeJS.Signals) => signalIfThere(recorded(dataDir, 'redis').pid, name);
  // Before the server is asked to end, which a stopped one would not hear.
  t.onTestFinished(() => signal('SIGCONT'));
  return { url, stop: () => signal('SIGSTOP'), goOn: () => signal('SIGCONT'), kill: () => signal('SIGKILL') };
}
