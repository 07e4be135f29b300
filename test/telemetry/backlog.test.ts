import { expect, type TestContext, test } from 'vitest';
import { startTelemetry } from '../../src/telemetry/start.ts';
import { freePort } from '../helpers/free-port.ts';

async function start(t: TestContext) {
  const where = { host: '127.0.0.1', port: await freePort(), otlpEndpoint: undefined };
  const telemetry = await startTelemetry({ on: true, service: 'test', ...where });
  t.onTestFinished(() => telemetry[Symbol.asyncDispose]());
  const ask = async () => {
    const answer = await fetch(`${telemetry.url}/backlog`);
    return { status: answer.status, type: answer.headers.get('content-type'), body: (await answer.json()) as object };
  };
  return { telemetry, ask };
}

test('/backlog answers numbers, and 503 while nobody knows them: a scaler never reads 0 for what was not counted', async (t) => {
  const { telemetry, ask } = await start(t);
  expect(await ask()).toMatchObject({ status: 503, type: 'application/problem+json' });
  let read = async () => ({ ticketCount: 699, campaignCount: 2, oldestWaitMs: 1_500 });
  telemetry.answerBacklog(() => read());
  const body = { tickets: 699, campaigns: 2, oldestWaitMs: 1_500 };
  expect(await ask()).toEqual({ status: 200, type: 'application/json', body });
  read = async () => {
    throw new Error('redis is away');
  };
  expect(await ask()).toMatchObject({ status: 503, type: 'application/problem+json' });
  read = async () => ({ ticketCount: 0, campaignCount: 0, oldestWaitMs: 0 });
  expect(await ask()).toEqual({
    status: 200,
    type: 'application/json',
    body: { tickets: 0, campaigns: 0, oldestWaitMs: 0 },
  });
});
