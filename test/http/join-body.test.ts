import { expect, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';
import { until } from '../helpers/until.ts';
import { fronts } from './front.ts';
import { joinPath } from './hostile.ts';
import { bytesOf, open, send } from './raw.ts';

const file = fronts();
const front = file.shared();
const port = () => Number(new URL(front().url).port);

const head = (campaign: string, user: string) =>
  `POST ${joinPath(campaign)} HTTP/1.1\r\nHost: x\r\nX-User-Id: ${user}\r\nTransfer-Encoding: chunked\r\n`;
const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${'a'.repeat(bytes)}\r\n`;

const sendChunks = async (campaign: string, ...sizes: number[]) => {
  const bytes = `${head(campaign, 'ann')}Connection: close\r\n\r\n${sizes.map(chunk).join('')}0\r\n\r\n`;
  return send(port(), Buffer.from(bytes));
};

test('a body in chunks is taken up to its bound and refused beyond, as one whose length is told', async () => {
  const campaign = await front().create();
  const max = limits.joinBodyBytes;
  expect([202, 200]).toContain((await sendChunks(campaign)).status);
  expect((await sendChunks(campaign, max)).status).toBe(200);
  expect((await sendChunks(campaign, max / 2, max / 2)).status).toBe(200);
  for (const sizes of [[max + 1], [max, 1], Array<number>(100).fill(80), [1_000_000]]) {
    const refused = await sendChunks(campaign, ...sizes);
    const announced = await send(
      port(),
      bytesOf({ method: 'POST', path: joinPath(campaign), headers: [['content-length', '5000']] }),
    );
    expect([refused.status, refused.body]).toEqual([413, announced.body]);
  }
});

test('a body without an end is refused while it is still being sent, and its connection is closed', async (t) => {
  const campaign = await front().create();
  const socket = open(port());
  t.onTestFinished(() => void socket.destroy());
  let answer = '';
  socket.on('data', (data: Buffer) => {
    answer += data.toString();
  });
  socket.write(`${head(campaign, 'bob')}\r\n`);
  // No end comes after these: who waits for one, or for more than these, gives no answer.
  for (let sent = 0; sent < 50; sent += 1) socket.write(chunk(2_000));
  await until('an answer', () => answer.startsWith('HTTP/1.1 413 '));
  await until('the end of the connection', () => socket.closed);
  expect((await front().join(campaign, 'bob')).status).toBe(202);
});

test('a join whose body does not come is no join, and the place is not taken', async (t) => {
  const campaign = await front().create({ stock: 1 });
  const socket = open(port());
  t.onTestFinished(() => void socket.destroy());
  socket.write(`${head(campaign, 'slow')}\r\n${chunk(10)}`);
  await until('the other join', 3_000, async () => (await front().join(campaign, 'quick')).status === 202);
  socket.destroy();
  expect((await front().join(campaign, 'slow')).status).toBe(409);
});

test('the connection of a small body in chunks goes on', async (t) => {
  const campaign = await front().create();
  const socket = open(port());
  t.onTestFinished(() => void socket.destroy());
  let answer = '';
  socket.on('data', (data: Buffer) => {
    answer += data.toString();
  });
  for (const user of ['one', 'two']) {
    socket.write(`${head(campaign, user)}\r\n${chunk(100)}0\r\n\r\n`);
    await until(`the answer of ${user}`, 3_000, () => answer.includes('HTTP/1.1 202 '));
    answer = '';
  }
});
