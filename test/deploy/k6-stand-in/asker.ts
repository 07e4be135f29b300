// The thread that sends the requests of the stand-in.
import { type MessagePort, workerData } from 'node:worker_threads';

export interface Asked {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | null;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const { answered, port } = workerData as { answered: Int32Array; port: MessagePort };

port.on('message', (asked: Asked) => {
  void answerOf(asked).then((answer) => {
    port.postMessage(answer);
    Atomics.store(answered, 0, 1);
    Atomics.notify(answered, 0);
  });
});

async function answerOf({ method, url, headers, body }: Asked): Promise<Answer> {
  try {
    const answer = await fetch(url, { method, headers, ...(body === null ? {} : { body }) });
    // As k6 spells them.
    const spelt = (name: string) => name.replace(/(^|-)([a-z])/g, (all) => all.toUpperCase());
    const told = Object.fromEntries([...answer.headers].map(([name, value]) => [spelt(name), value]));
    return { status: answer.status, headers: told, body: await answer.text() };
  } catch (error) {
    return { status: 0, headers: {}, body: String(error) };
  }
}
