// A front whose spans a receiver of the test's own takes, and how the spans of a ticket hang together.
import { expect, type TestContext } from 'vitest';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { startFront } from '../helpers/processes.ts';
import { redisUrl, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from './otlp-receiver.ts';

/** Sent soon, so that a test waits for spans and not for the exporter's usual five seconds. */
export const telemetryOf = (receiver: OtlpReceiver): Record<string, string> => ({
  TELEMETRY: 'on',
  TELEMETRY_PORT: '0',
  TRACE_RATIO: '1',
  OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_BSP_SCHEDULE_DELAY: '50',
});

/** A front that records every trace, its receiver, and what buyers and operators ask of it. Ends with the test. */
export async function startSale(
  t: TestContext,
  database: { url: () => string },
  environment: Record<string, string> = {},
  redis = redisUrl(),
) {
  const receiver = await startOtlpReceiver(t);
  const stores = { redisUrl: redis, databaseUrl: database.url() };
  const front = await startFront(t, stores, { ...telemetryOf(receiver), ...environment });
  const call = async (url: string, method: string, headers: Record<string, string>, body?: object) => {
    const answer = await fetch(url, {
      method,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
  };
  const admin = (method: string, path: string, body?: object) =>
    call(`${front.adminUrl}/admin/${path}`, method, { authorization: `Bearer ${front.adminToken}` }, body);
  const create = async (settings: object) => {
    const id = uniqueName('traced');
    expect((await admin('POST', 'campaigns', { id, ...settings })).status).toBe(201);
    return id;
  };
  const join = (campaign: string, user: string, headers: Record<string, string> = {}) =>
    call(`${front.url}/v1/campaigns/${campaign}/tickets`, 'POST', { 'x-user-id': user, ...headers });
  const ticket = (method: 'GET' | 'DELETE', text: string, headers: Record<string, string> = {}) =>
    call(`${front.url}/v1/tickets/${text}`, method, headers);
  const untilStatus = (text: string, status: string) =>
    until(`a ticket that is ${status}`, DEADLINE_MS, async () =>
      (await ticket('GET', text)).body.status === status ? true : undefined,
    );
  return { receiver, stores, front, admin, create, join, ticket, untilStatus };
}

/** The span itself, and all that lead to it or follow from it: by parents, children and links, in both directions. */
export function connected(spans: readonly ReceivedSpan[], from: ReceivedSpan): ReceivedSpan[] {
  const key = (one: { traceId: string; spanId: string }) => `${one.traceId}-${one.spanId}`;
  const edges = new Map<string, Set<string>>();
  const join = (a: string, b: string) => {
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const)
      edges.set(x, (edges.get(x) ?? new Set()).add(y));
  };
  for (const span of spans) {
    if (span.parentSpanId !== '') join(key(span), key({ traceId: span.traceId, spanId: span.parentSpanId }));
    for (const link of span.links) join(key(span), key(link));
  }
  const met = new Set<string>();
  const next = [key(from)];
  for (let one = next.pop(); one !== undefined; one = next.pop()) {
    if (met.has(one)) continue;
    met.add(one);
    next.push(...(edges.get(one) ?? []));
  }
  return spans.filter((span) => met.has(key(span)));
}

/** Fails where one of the texts, of users and tickets, is in anything that was exported. */
export function expectNothingPrivate(receiver: OtlpReceiver, texts: readonly string[]): void {
  expect(receiver.bodies().length).toBeGreaterThan(0);
  for (const text of texts) expect(receiver.bodies().some((body) => body.includes(text))).toBe(false);
}
