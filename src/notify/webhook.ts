// Sends notices to a webhook: the `text` is what Slack and chats like it show, the rest is for programs. With a secret each
// request is signed as https://www.standardwebhooks.com wants it. Nobody waits for it: notices stand in a short line, are
// sent one after the other, each with a time-out, and what the receiver does not take after a few attempts is logged.
import { createHmac, randomUUID } from 'node:crypto';
import type { Notice } from '../domain/notice.ts';
import { backoffMs, pause } from '../process/lifecycle.ts';
import { limits } from '../process/limits.ts';
import type { Log } from '../telemetry/log.ts';

export interface WebhookSettings {
  url: string;
  /** The key of the signature; undefined to send without one. */
  secret: Buffer | undefined;
}

export interface Notifier extends AsyncDisposable {
  /** Puts a notice in line; the oldest in line is dropped and logged when the line is full. */
  tell: (notice: Notice) => void;
}

export interface NotifierDeps extends WebhookSettings {
  log: Pick<Log, 'warn' | 'info'>;
  /** The wait before the second attempt, doubled each time; the usual one unless a test says otherwise. */
  retryMs?: number;
}

/** Dispose of it to send what is in line within `limits.noticeMs`, and no longer. */
export function createNotifier(deps: NotifierDeps): Notifier {
  const line: Notice[] = [];
  const leaving = new AbortController();
  let sending: Promise<void> | undefined;
  const sendAll = async () => {
    for (let notice = line.shift(); notice !== undefined; notice = line.shift())
      await send(deps, notice, leaving.signal);
    sending = undefined;
  };
  return {
    tell(notice) {
      if (line.length >= limits.noticesWaitingMax) {
        const dropped = line.shift()!;
        deps.log.warn({ kind: dropped.kind }, 'dropped a notice: the webhook takes them more slowly than they come');
      }
      line.push(notice);
      sending ??= sendAll();
    },
    async [Symbol.asyncDispose]() {
      await Promise.race([sending, pause(limits.noticeMs)]);
      line.length = 0;
      leaving.abort();
      await sending;
    },
  };
}

async function send(deps: NotifierDeps, notice: Notice, leaving: AbortSignal): Promise<void> {
  const id = `msg_${randomUUID()}`;
  const { kind, text, data } = notice;
  const body = JSON.stringify({ text, type: `sluice.${kind}`, timestamp: new Date().toISOString(), data });
  for (let attempt = 0; attempt < limits.noticeAttemptsMax && !leaving.aborted; attempt += 1) {
    if (attempt > 0)
      await pause(backoffMs(attempt, deps.retryMs ?? limits.noticeRetryMs, limits.noticeRetryMaxMs), leaving);
    const problem = await post(deps, id, body, leaving);
    if (problem === undefined) return;
    if (attempt + 1 === limits.noticeAttemptsMax)
      deps.log.warn({ kind, problem, text }, 'the webhook of NOTIFY_WEBHOOK_URL did not take a notice');
  }
}

/** What is wrong, without the address: its path is often a secret. Undefined when the receiver took it. */
async function post(
  { url, secret }: WebhookSettings,
  id: string,
  body: string,
  leaving: AbortSignal,
): Promise<string | undefined> {
  const timestamp = Math.floor(Date.now() / 1_000);
  const headers: Record<string, string> = { 'content-type': 'application/json', 'user-agent': 'sluice' };
  if (secret !== undefined) Object.assign(headers, signed(secret, { id, timestamp, body }));
  try {
    const signal = AbortSignal.any([leaving, AbortSignal.timeout(limits.noticeMs)]);
    const answer = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' });
    await answer.body?.cancel();
    return answer.ok ? undefined : `status ${answer.status}`;
  } catch (error) {
    const { name, cause } = error as { name: string; cause?: { code?: string } };
    return cause?.code ?? name;
  }
}

/** The three headers of Standard Webhooks 1.0, symmetric: `v1,` and the base64 of HMAC-SHA-256 over `id.timestamp.body`. */
export function signed(
  secret: Buffer,
  { id, timestamp, body }: { id: string; timestamp: number; body: string },
): Record<string, string> {
  const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${mac}` };
}
