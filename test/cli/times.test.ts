import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { sluice } from './sluice.ts';

test('a day that no calendar has is refused before anything is sent', async (t) => {
  let askedCount = 0;
  const server = createServer((_request, response) => {
    askedCount += 1;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => void server.close());
  const ADMIN_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const words = ['campaign', 'create', 'sale', '--stock', '1', '--opens-at', '2027-02-29T00:00:00Z'];
  const { code, err } = await sluice(words, { ADMIN_URL, ADMIN_TOKEN: 'a-token-for-tests-only' });
  expect([code, err, askedCount]).toEqual([64, expect.stringMatching(/--opens-at takes a time that the calendar/), 0]);
});
