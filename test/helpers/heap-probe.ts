// What a process holds once its garbage is collected: resident memory rises and falls with the collector's own pace.

/** Of a process started with `--inspect=127.0.0.1:<port>`. Each look collects its garbage first. */
export async function openHeapProbe(port: number): Promise<{ liveMb: () => Promise<number>; close: () => void }> {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(target!.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error('the inspector did not answer'));
  });
  const waiting = new Map<number, (result: unknown) => void>();
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  };
  let count = 0;
  const call = (method: string): Promise<unknown> => {
    count += 1;
    socket.send(JSON.stringify({ id: count, method }));
    return new Promise((resolve) => waiting.set(count, resolve));
  };
  return {
    liveMb: async () => {
      await call('HeapProfiler.collectGarbage');
      const { usedSize, backingStorageSize = 0 } = (await call('Runtime.getHeapUsage')) as Record<string, number>;
      return (usedSize! + backingStorageSize) / 1_048_576;
    },
    close: () => socket.close(),
  };
}
