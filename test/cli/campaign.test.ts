import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { temporaryFolder, uniqueName } from '../helpers/own-names.ts';
import { READ_TOKEN, runningFront } from './running-front.ts';
import { ran, sluice } from './sluice.ts';

const front = runningFront();

const settings = () => ({ ADMIN_URL: front.adminUrl, ADMIN_TOKEN: front.adminToken });
const campaign = (...args: string[]) => sluice(['campaign', ...args], settings());
const json = async (...args: string[]) => JSON.parse((await campaign(...args, '--json')).out);

test('a campaign is created, shown, changed, paused, resumed and closed', async () => {
  const id = uniqueName('life');
  const created = await campaign('create', id, '--stock', '1200', '--name', 'Spring sale', '--rate', '500');
  expect(created.code, created.err).toBe(0);
  expect(created.out).toContain('1,200 units');
  expect((await campaign('create', id, '--stock', '1200', '--name', 'Spring sale', '--rate', '500')).code).toBe(0);

  const shown = await campaign('show', id);
  expect(shown.out).toMatch(/^campaign {2,}life-\w+ \(Spring sale\)\nstate {2,}active, open\n/);
  expect(shown.out).toMatch(/^rate {2,}500 joins\/s, burst 500 joins$/m);

  const opens = '2031-01-01T09:00:00+09:00';
  expect(await json('change', id, '--opens-at', opens, '--backlog-max', '50')).toMatchObject({
    opensAt: '2031-01-01T00:00:00.000Z',
    backlogMax: 50,
    name: 'Spring sale',
  });
  expect((await json('change', id, '--opens-at', 'none')).opensAt).toBeNull();
  expect((await json('pause', id)).state).toBe('paused');
  expect((await json('resume', id)).state).toBe('active');
  expect((await json('close', id)).state).toBe('closed');
});

test('stock is added once for a key, and a key that was made up is told', async () => {
  const id = uniqueName('tranches');
  await campaign('create', id, '--stock', '10');
  const told = await campaign('add-stock', id, '--add', '5');
  expect(told.code, told.err).toBe(0);
  const key = /^Added 5 units; stock is now 15 units\. Sending key (\S+) again adds nothing\.$/m.exec(told.out)![1]!;
  const replayed = await campaign('add-stock', id, '--add', '5', '--key', key);
  expect(replayed.out).toContain(
    `Key ${key} had already added 5 units, so nothing was added this time; stock is now 15`,
  );
  expect(await json('add-stock', id, '--add', '5', '--key', key)).toMatchObject({
    stock: 15,
    added: 0,
    idempotencyKey: key,
  });
  expect((await json('add-stock', id, '--add', '5')).stock).toBe(20);
  const other = await campaign('add-stock', id, '--add', '6', '--key', key);
  expect([other.code, other.err]).toEqual([1, expect.stringMatching(/^Refused \(409\): .*used to add 5/)]);
});

test('the list is aligned and ends with the name, and no name has control characters for the terminal', async () => {
  const [first, second] = [uniqueName('list-a'), uniqueName('list-b-longer')];
  const red = await campaign('create', first, '--stock', '7', '--name', '\u001b[31mred');
  expect([red.code, red.err]).toEqual([64, expect.stringContaining('control characters')]);
  await campaign('create', first, '--stock', '7', '--name', 'red');
  await campaign('create', second, '--stock', '1000000', '--name', '봄 세일');
  const { out } = await campaign('list');
  const ends = out.split('\n').filter((line) => ['ID ', first, second].some((start) => line.startsWith(start)));
  expect(ends).toHaveLength(3);
  const column = ends[0]!.indexOf('STOCK (units)') + 'STOCK (units)'.length;
  expect(ends.map((line) => line.slice(0, column).trimEnd().length)).toEqual([column, column, column]);
  expect(out).not.toContain('\u001b');
  expect(out).toMatch(/봄 세일$/m);
  expect((await json('list')).campaigns.map(({ id }: { id: string }) => id)).toEqual(
    expect.arrayContaining([first, second]),
  );
});

test('a refusal exits with 1 and says what to do', async () => {
  const id = uniqueName('refused');
  await campaign('create', id, '--stock', '10');
  const cases: [string[], RegExp][] = [
    [['show', uniqueName('nowhere')], /404.*\n.*sluice campaign list/],
    [['create', id, '--stock', '11'], /409/],
    [['create', uniqueName('big'), '--stock', '99999999999'], /422[\s\S]*--stock: /],
    [['change', id, '--rate', '99999999'], /422[\s\S]*--rate: /],
  ];
  for (const [args, message] of cases) {
    const { code, err, out } = await campaign(...args);
    expect([code, err, out]).toEqual([1, expect.stringMatching(message), '']);
  }
  const wrongToken = await sluice(['campaign', 'list'], { ...settings(), ADMIN_TOKEN: 'another-token-and-wrong' });
  expect([wrongToken.code, wrongToken.err]).toEqual([
    1,
    expect.stringMatching(/401.*\nThe server at http\S+ rejected this admin token \(from ADMIN_TOKEN/),
  ]);
  expect(JSON.parse((await campaign('show', uniqueName('nowhere'), '--json')).err)).toMatchObject({ status: 404 });
});

test('who may only read lists and shows, and is told what a change takes', async () => {
  const id = uniqueName('read');
  await campaign('create', id, '--stock', '10');
  const reader = { ADMIN_URL: front.adminUrl, ADMIN_READ_TOKEN: READ_TOKEN };
  expect((await sluice(['campaign', 'show', id], reader)).code).toBe(0);
  const paused = await sluice(['campaign', 'pause', id], reader);
  expect([paused.code, paused.err]).toEqual([1, expect.stringMatching(/403[\s\S]*ADMIN_TOKEN/)]);
  expect((await json('show', id)).state).toBe('active');
});

test('the token of the data folder serves where none is given', async () => {
  const folder = { DATA_DIR: front.dataDir, ADMIN_URL: front.adminUrl };
  const { code, err } = await sluice(['campaign', 'list'], folder);
  // This front was given its token, so its folder holds another one: found, sent and refused.
  expect([code, err]).toEqual([1, expect.stringContaining('401')]);
});

test('without any token nothing is sent, and both places for one are named', async (t) => {
  const { code, err } = await sluice(['campaign', 'list'], { DATA_DIR: await temporaryFolder(t) });
  expect([code, err]).toEqual([64, expect.stringMatching(/ADMIN_TOKEN.*secrets\.json.*DATA_DIR/)]);
});

test('nobody there, somebody else there and an outcome that is not known exit with 2', async (t) => {
  const nobody = await sluice(['campaign', 'list'], { ...settings(), ADMIN_URL: await closedPort() });
  expect([nobody.code, nobody.err]).toEqual([2, expect.stringMatching(/ECONNREFUSED[\s\S]*npm start/)]);
  const page = await answering(t, 200, 'text/html', '<p>hello</p>');
  const elsewhere = await sluice(['campaign', 'list'], { ...settings(), ADMIN_URL: page });
  expect([elsewhere.code, elsewhere.err]).toEqual([2, expect.stringContaining('not a Sluice admin API')]);
  const broken = await answering(t, 503, 'application/problem+json', '{"title":"Ask again in a moment"}');
  const unknown = await sluice(['campaign', 'add-stock', 'a', '--add', '1'], { ...settings(), ADMIN_URL: broken });
  expect([unknown.code, unknown.err]).toEqual([
    2,
    expect.stringMatching(/may have done it, or not\. It is safe .*--key \S+\.$/m),
  ]);
});

test.for<[string, string[], RegExp]>([
  ['an unknown command', ['sale'], /A command starts with campaign/],
  ['an unknown verb', ['campaign', 'destroy'], /Verbs of campaign: create, list/],
  ['an unknown option', ['campaign', 'list', '--stock', '1'], /Unknown option '--stock'.*\nUsage: /],
  ['an id that is none', ['campaign', 'show', 'Spring Sale'], /is not a campaign id/],
  ['no id', ['campaign', 'pause'], /needs the id/],
  ['two ids', ['campaign', 'pause', 'a', 'b'], /Unknown arguments: b/],
  ['no stock', ['campaign', 'create', 'a'], /--stock N is needed/],
  [
    'a burst that no rate would look at',
    ['campaign', 'create', 'a', '--stock', '1', '--burst', '5'],
    /--burst needs --rate/,
  ],
  ['an option twice', ['campaign', 'create', 'a', '--stock', '1', '--stock', '2'], /--stock was given twice/],
  ['a word after token', ['token', 'please'], /Unknown arguments: please/],
  ['a number with separators', ['campaign', 'create', 'a', '--stock', '1,000'], /--stock takes a whole number/],
  ['a time without offset', ['campaign', 'change', 'a', '--opens-at', '2026-12-24T18:00'], /\+09:00/],
  ['a change of nothing', ['campaign', 'change', 'a'], /at least one setting.*--rate/],
  ['an address that is none', ['campaign', 'list', '--admin-url', 'localhost:8081'], /--admin-url takes/],
])('%s is told, with exit code 64', async ([, args, message]) => {
  const { code, err, out } = await sluice(args, { ADMIN_URL: 'http://127.0.0.1:9', ADMIN_TOKEN: front.adminToken });
  expect([code, err, out]).toEqual([64, expect.stringMatching(message), '']);
});

test('a setting that is wrong is named, with exit code 78', async () => {
  const { code, err } = await sluice(['campaign', 'list'], { ADMIN_URL: 'ftp://x', ADMIN_TOKEN: 'short' });
  expect(code).toBe(78);
  expect(err).toMatch(/ADMIN_TOKEN: .*16[\s\S]*ADMIN_URL: |ADMIN_URL: [\s\S]*ADMIN_TOKEN: /);
});

test('with --json a problem is JSON too', async () => {
  const { code, err } = await sluice(['campaign', 'create', 'a', '--json'], settings());
  expect([code, JSON.parse(err)]).toEqual([64, { problems: ['--stock N is needed.'] }]);
});

test('the help tells the exit codes, and that of a verb its options', async () => {
  const general = await sluice(['--help']);
  expect(general.code).toBe(0);
  for (const code of ['0 ', '1 ', '2 ', '64']) expect(general.out).toMatch(new RegExp(`^  ${code} +\\w`, 'm'));
  expect((await sluice(['campaign', 'create', '--help'])).out).toMatch(/--stock N .*\n[\s\S]*--opens-at TIME/);
});

test('npx runs it from the repository on the Node of its packages, whatever the machine has', async (t) => {
  const machine = process.env.PATH!.split(delimiter).filter((dir) => !dir.includes('node_modules'));
  const home = await temporaryFolder(t);
  const env = { PATH: machine.join(delimiter), HOME: home, npm_config_offline: 'true' };
  const { code, out, err } = await ran('npx', ['sluice', '--help'], env);
  expect([code, out], err).toEqual([0, expect.stringContaining('Usage: sluice campaign')]);
});

async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

/** The address of a server that gives this answer to everything. */
async function answering(t: TestContext, status: number, type: string, body: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status, { 'content-type': type }).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
