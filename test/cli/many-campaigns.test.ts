// Commands for many campaigns at once.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { temporaryFolder, uniqueName } from '../helpers/own-names.ts';
import { READ_TOKEN, runningFront } from './running-front.ts';
import { sluice } from './sluice.ts';

const front = runningFront({ isAlone: true });

const campaign = (...args: string[]) =>
  sluice(['campaign', ...args], { ADMIN_URL: front.adminUrl, ADMIN_TOKEN: front.adminToken });
const idsOf = async (...filters: string[]): Promise<string[]> => {
  const { code, out, err } = await campaign('list', ...filters, '--json');
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out).campaigns.map(({ id }: { id: string }) => id);
};

test('a list is filtered by state, phase and text, and says when no campaign passes', async () => {
  const prefix = uniqueName('filters');
  await campaign('create', `${prefix}-a`, '--stock', '1', '--opens-at', '2031-01-01T00:00:00Z');
  await campaign('create', `${prefix}-b`, '--stock', '1');
  await campaign('create', `${prefix}-c`, '--stock', '1', '--name', 'Spring & summer');
  await campaign('pause', `${prefix}-b`);
  expect(await idsOf('--text', prefix)).toEqual([`${prefix}-c`, `${prefix}-a`, `${prefix}-b`]);
  expect(await idsOf('--text', prefix, '--state', 'paused')).toEqual([`${prefix}-b`]);
  expect(await idsOf('--text', prefix, '--phase', 'scheduled')).toEqual([`${prefix}-a`]);
  expect(await idsOf('--text', 'spring & SUMMER')).toEqual([`${prefix}-c`]);
  const { out } = await campaign('list', '--text', prefix);
  expect(out).toMatch(/^ID +STATE +PHASE +ATTENTION +STOCK/);
  expect(out).toMatch(/-a +active +scheduled +– +1 /);
  const none = await campaign('list', '--text', prefix, '--attention', 'dead-letters');
  expect([none.code, none.out]).toEqual([0, 'No campaign passes these filters.\n']);
  const wrong = await campaign('list', '--state', 'kept');
  expect([wrong.code, wrong.err]).toEqual([64, '--state takes one of active, paused, closed, not "kept".\n']);
});

async function fileOf(t: TestContext, name: string, lines: readonly string[]): Promise<string> {
  const path = join(await temporaryFolder(t), name);
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

test('an import shows first what it would do, then does it, and does nothing the second time', async (t) => {
  const prefix = uniqueName('csv');
  const there = await campaign('create', `${prefix}-there`, '--stock', '7', '--name', 'before');
  expect(there.code, there.err).toBe(0);
  const file = await fileOf(t, 'campaigns.csv', [
    'id,stock,name,opensAt,ratePerSecond',
    `${prefix}-a,100,"Spring, ""the"" sale",2031-01-01T00:00:00+09:00,50`,
    `${prefix}-b,100,,,`,
    `${prefix}-there,8,before,,`,
    `${prefix}-c,"1,000",,,`,
    `${prefix}-d,10`,
    `${prefix}-b,100,,,`,
    `${prefix}-e,99999999999,,,`,
    `Not-An-Id,1,,,`,
    `${prefix}-f,1,a"b,,`,
    `${prefix}-g,1,,none,`,
  ]);
  const refusals = [
    `line 4: ${prefix}-there: refused: campaign ${prefix}-there was created with other settings: stock is 7, not 8`,
    `line 5: ${prefix}-c: refused: stock takes a whole number from 1, without separators, not "1,000"`,
    `line 6: ${prefix}-d: refused: 2 fields under 5 columns`,
    `line 7: ${prefix}-b: refused: line 3 has the same id`,
    `line 8: ${prefix}-e: refused: stock Too big: expected number to be <=10000000`,
    'line 9: Not-An-Id: refused: id takes 1 to 63 of a-z, 0-9 and -, and does not start with -',
    'line 10: refused: a double quote must stand around the whole field, and twice within it',
  ];
  const dry = await campaign('import', file);
  expect([dry.code, dry.err.trim().split('\n').toSorted()]).toEqual([1, refusals.toSorted()]);
  expect(dry.out).toBe(
    '10 lines: 3 to be created, 0 unchanged, 7 refused.\nNothing was changed. To do it, run the same command with --yes.\n',
  );
  expect(await idsOf('--text', prefix)).toEqual([`${prefix}-there`]);

  const first = await campaign('import', file, '--yes');
  expect([first.code, first.out]).toEqual([1, '10 lines: 3 created, 0 unchanged, 7 refused.\n']);
  const shown = JSON.parse((await campaign('show', `${prefix}-a`, '--json')).out);
  expect(shown).toMatchObject({ name: 'Spring, "the" sale', opensAt: '2030-12-31T15:00:00.000Z', burst: 50 });
  expect(JSON.parse((await campaign('show', `${prefix}-there`, '--json')).out).stock).toBe(7);

  const again = await campaign('import', file, '--yes', '--json');
  expect([again.code, again.err]).toEqual([1, '']);
  const told = JSON.parse(again.out);
  expect(told).toMatchObject({ dryRun: false, created: 0, unchanged: 3, left: 0 });
  expect(told.refused.map(({ line }: { line: number }) => line).toSorted((a: number, b: number) => a - b)).toEqual([
    4, 5, 6, 7, 8, 9, 10,
  ]);
  expect(await idsOf('--text', prefix)).toHaveLength(4);
});

test('a JSONL file is imported with progress, and what is no campaign is refused by its line', async (t) => {
  const prefix = uniqueName('jsonl');
  const lines = Array.from({ length: 600 }, (_, n) => JSON.stringify({ id: `${prefix}-${n}`, stock: 10 }));
  const wrong = ['[1]', '{"id":', '{"stock":1}', `{"id":"${prefix}-x","stock":1,"dryRun":false}`];
  const imported = await campaign('import', await fileOf(t, 'many.jsonl', [...wrong, '', ...lines]), '--yes');
  expect([imported.code, imported.out]).toEqual([1, '604 lines: 600 created, 0 unchanged, 4 refused.\n']);
  expect(imported.err).toMatch(/^500 of 604 lines: \d+ created, 0 unchanged, 4 refused \([\d,]+ lines\/s\)$/m);
  expect(imported.err).toContain('line 1: refused: it is not a JSON object\n');
  expect(imported.err).toContain('line 3: refused: id is missing\n');
  expect(imported.err).toContain(`line 4: ${prefix}-x: refused: unknown fields: dryRun\n`);

  // The list has two pages of them, and closing by a filter takes both.
  const dry = await campaign('close', '--text', prefix);
  expect([dry.code, dry.out.split('\n')[0]]).toEqual([
    0,
    '600 campaigns: 600 to be closed, 0 ended before, 0 refused.',
  ]);
  expect(await idsOf('--text', prefix, '--state', 'closed')).toEqual([]);
  const closed = await campaign('close', '--text', prefix, '--yes');
  expect([closed.code, closed.out]).toEqual([0, '600 campaigns: 600 closed, 0 refused.\n']);
  expect(await idsOf('--text', prefix, '--state', 'closed')).toHaveLength(600);
  const again = await campaign('close', '--text', prefix, '--yes');
  expect([again.code, again.out]).toEqual([0, '0 campaigns: 0 closed, 0 refused.\n']);
});

test('several campaigns are closed by their ids and from a file, and an unknown id does not stop the others', async (t) => {
  const prefix = uniqueName('close');
  for (const name of ['a', 'b', 'c']) await campaign('create', `${prefix}-${name}`, '--stock', '1');
  const ids = [`${prefix}-a`, `${prefix}-nowhere`, 'No Id', '', `${prefix}-b`];
  const file = await fileOf(t, 'ids.txt', ids);
  const dry = await campaign('close', '--file', file);
  expect([dry.code, dry.out.split('\n')[0]]).toEqual([1, '4 campaigns: 2 to be closed, 0 ended before, 2 refused.']);
  expect(dry.err.split('\n').toSorted()).toEqual([
    '',
    'line 2: '.concat(`${prefix}-nowhere: refused: there is no such campaign`),
    'line 3: No Id: refused: it is not a campaign id',
  ]);
  expect(await idsOf('--text', prefix, '--state', 'closed')).toEqual([]);
  for (const _ of [1, 2]) {
    const closed = await campaign('close', '--file', file, '--yes');
    expect([closed.code, closed.out]).toEqual([1, '4 campaigns: 2 closed, 2 refused.\n']);
  }
  const both = await campaign('close', `${prefix}-b`, `${prefix}-c`, '--yes');
  expect([both.code, both.out]).toEqual([0, '2 campaigns: 2 closed, 0 refused.\n']);
  expect((await idsOf('--text', prefix, '--state', 'closed')).toSorted()).toEqual(
    ['a', 'b', 'c'].map((name) => `${prefix}-${name}`),
  );
});

test.for<[string, string[], RegExp]>([
  ['a file of another kind', ['import', 'campaigns.xlsx'], /must end with \.csv or \.jsonl/],
  ['no file', ['import'], /needs a file/],
  ['a file that is not there', ['import', 'nowhere.csv'], /^nowhere\.csv cannot be read: ENOENT\.$/m],
  ['nothing to close', ['close'], /Give the ids of campaigns, --file FILE or a filter/],
  ['ids and a filter', ['close', 'a', '--phase', 'ended'], /ids \(or --file\), or filters, not both/],
])('%s is told, with exit code 64', async ([, args, message]) => {
  const { code, err, out } = await campaign(...args);
  expect([code, err, out]).toEqual([64, expect.stringMatching(message), '']);
});

test('a file whose header is wrong is refused as a whole', async (t) => {
  const { code, err, out } = await campaign(
    'import',
    await fileOf(t, 'x.csv', ['id,name,name,colour', 'a,b,c,d']),
    '--yes',
  );
  expect([code, out]).toEqual([64, '']);
  expect(err).toMatch(
    /unknown column "colour"; column name is there twice; column stock is missing\. The header takes id, name, stock/,
  );
});

test('an import that nobody answers says so and what it did not do, with exit code 2', async (t) => {
  const file = await fileOf(t, 'x.csv', ['id,stock', 'a,1', 'b,1']);
  const env = { ADMIN_URL: 'http://127.0.0.1:9', ADMIN_TOKEN: front.adminToken };
  const { code, err, out } = await sluice(['campaign', 'import', file, '--yes'], env);
  expect([code, out]).toEqual([2, '2 lines: 0 created, 0 unchanged, 0 refused, 2 not done.\n']);
  expect(err).toContain('Unreachable: http://127.0.0.1:9');
  const reader = { ADMIN_URL: front.adminUrl, ADMIN_TOKEN: READ_TOKEN };
  const refused = await sluice(['campaign', 'import', file, '--yes'], reader);
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('Refused (403)')]);
});
