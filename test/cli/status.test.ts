// `sluice status` and `sluice top` against a real front without workers: what waits stays.
import { expect, type TestContext, test } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { startFront } from '../helpers/processes.ts';
import { startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { sluice } from './sluice.ts';

const database = ownDatabase();
const ESCAPE = '\u001b';

/** On a Redis of its own: what other tests left waiting is not shown. */
async function start(t: TestContext) {
  const telemetryPort = String(await freePort());
  const stores = { redisUrl: (await startRedis(t)).url, databaseUrl: database.url() };
  const front = await startFront(t, stores, { TELEMETRY: 'on', TELEMETRY_PORT: telemetryPort });
  const environment = { ADMIN_URL: front.adminUrl, ADMIN_TOKEN: front.adminToken };
  return { front, telemetryPort, ask: (...args: string[]) => sluice(args, environment), environment };
}

const expectNarrow = (text: string) => expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);

test('one screen says what waits, who is there and what needs a person; --json says the same', {
  timeout: 120_000,
}, async (t) => {
  const { front, telemetryPort, ask } = await start(t);
  expect(await ask('campaign', 'create', 'spring-sale', '--stock', '5')).toMatchObject({ code: 0 });
  for (const user of ['ann', 'ben', 'cem']) {
    const headers = { 'x-user-id': user };
    await fetch(`${front.url}/v1/campaigns/spring-sale/tickets`, { method: 'POST', headers });
  }
  const shown = await until('the count is of now', async () => {
    const { out } = await ask('status');
    return /^ +3 +\d+\.\d +– +spring-sale$/m.test(out) ? out : undefined;
  });
  expect(shown).toMatch(/^redis +answers, \d+ of [\d,]+ connections open$/m);
  expect(shown).toMatch(/^database +answers, \d+ of [\d,]+ connections open$/m);
  expect(shown).toMatch(/^fronts +1 ready of 1: \S/m);
  expect(shown).toMatch(/^workers +0 ready of 0$/m);
  expect(shown).toMatch(/^backlog +3 tickets of 1 campaign, the oldest for \d+\.\d s$/m);
  expect(shown).toMatch(/^dead letters +0$/m);
  expect(shown).toMatch(/^Needs a person:\n- No worker has reported in the last 10 s/m);
  expect(shown).not.toContain(ESCAPE);
  expectNarrow(shown);
  const { out, code } = await ask('status', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    backlog: { tickets: 3, campaigns: 1 },
    campaigns: [{ id: 'spring-sale', backlog: 3, settled: 0 }],
    needs: [{ what: 'no-worker-ready' }],
  });
  // What a scaler reads is the same number.
  const backlog = await fetch(`http://127.0.0.1:${telemetryPort}/backlog`);
  expect(await backlog.json()).toEqual({ tickets: 3, campaigns: 1, oldestWaitMs: expect.any(Number) });

  const top = await ask('top', '--rounds', '2', '--interval', '1');
  expect({ code: top.code, err: top.err }).toEqual({ code: 0, err: '' });
  expect(top.out.match(/^sluice top {2}\d{4}-\S+Z {2}Ctrl-C ends$/gm)).toHaveLength(2);
  // With two looks there is a rate. No terminal reads it, so that nothing is drawn over.
  expect(top.out).toMatch(/^ +3 +\d+\.\d +0 +spring-sale$/m);
  expect(top.out).not.toContain(ESCAPE);
  expectNarrow(top.out);
  const lines = (await ask('top', '--rounds', '2', '--interval', '1', '--json')).out.trim().split('\n');
  const looks = lines.map((line) => JSON.parse(line) as { at: string });
  expect(looks).toHaveLength(2);
  expect(looks[0]!.at < looks[1]!.at).toBe(true);
});

test('a service that is away, a wrong token and wrong options end as for every verb', {
  timeout: 120_000,
}, async (t) => {
  const { ask, environment } = await start(t);
  const away = await sluice(['top', '--rounds', '1'], { ...environment, ADMIN_URL: 'http://127.0.0.1:1' });
  expect(away).toMatchObject({ code: 2, out: expect.stringMatching(/^Unreachable: /) });
  const wrong = await sluice(['top'], { ...environment, ADMIN_TOKEN: 'a-token-that-nobody-has' });
  expect(wrong).toMatchObject({ code: 1, err: expect.stringMatching(/^Refused \(401\)/) });
  const never = await ask('top', '--interval', '0');
  expect(never).toMatchObject({ code: 64, err: expect.stringMatching(/^--interval takes a whole/) });
  expect(await ask('status', '--rounds', '2')).toMatchObject({ code: 64 });
});
