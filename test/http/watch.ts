// The event stream of a ticket as a client reads it.

export interface StreamEvent {
  event: string;
  id: string;
  retry: number;
  data: Record<string, unknown>;
}

export interface WatchOptions {
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

export interface Watched {
  response: Response;
  /** As they come; comments are counted. */
  events: StreamEvent[];
  commentCount: () => number;
  /** The end of the stream. */
  ended: Promise<void>;
}

/** Asks `url` for a stream and reads it. */
export async function watch(url: string, { signal, headers = {} }: WatchOptions = {}): Promise<Watched> {
  const response = await fetch(url, {
    headers: { accept: 'text/event-stream', ...headers },
    ...(signal ? { signal } : {}),
  });
  const events: StreamEvent[] = [];
  let commentCount = 0;
  let text = '';
  const ended = (async () => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const block = text.slice(0, end);
        if (block.startsWith(':')) commentCount += 1;
        else events.push(eventOf(block));
        text = text.slice(end + 2);
      }
    }
  })();
  ended.catch(() => undefined);
  return { response, events, commentCount: () => commentCount, ended };
}

function eventOf(block: string): StreamEvent {
  const fields = Object.fromEntries(
    block.split('\n').map((line) => [line.split(': ')[0], line.split(': ').slice(1).join(': ')]),
  );
  const { event, id, retry, data } = fields as Record<string, string>;
  return { event: event!, id: id!, retry: Number(retry), data: JSON.parse(data!) as Record<string, unknown> };
}
