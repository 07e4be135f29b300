// A connection that a client keeps and asks again and again; unlike an agent's it is never opened a second time.
import { connect, type Socket } from 'node:net';

/** Asks and resolves to the status of the answer; rejects when the connection ends before it has the whole of it. */
export type AskKept = (path: string) => Promise<number>;

export function keptConnection(port: number): { ask: AskKept; close: () => void } {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true).on('error', () => undefined);
  return {
    ask: (path) => {
      const answered = readAnswer(socket);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
      return answered;
    },
    close: () => socket.destroy(),
  };
}

function readAnswer(socket: Socket): Promise<number> {
  let bytes = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const head = bytes.toString('latin1').split('\r\n\r\n', 1)[0]!;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
      if (bytes.length < head.length + 4 + length || Number.isNaN(length)) return;
      stop();
      resolve(Number(head.split(' ')[1]));
    };
    const onEnd = () => {
      stop();
      reject(new Error(`the connection ended after ${bytes.length} bytes of an answer`));
    };
    const stop = () => {
      socket.off('data', onData).off('close', onEnd);
    };
    socket.on('data', onData).on('close', onEnd);
    if (socket.destroyed) onEnd();
  });
}
