// What a campaign is called: what is answered is what is stored, and API, command line and ledger have one bound.
import { expect, test } from 'vitest';
import { readCommand } from '../../src/cli/arguments.ts';
import { NAME_CHARS_MAX } from '../../src/domain/campaign-name.ts';
import { uniqueName } from '../helpers/services.ts';
import { fronts, TOKEN, untilKnown } from './front.ts';

const file = fronts();
const front = file.shared();

const storedOf = async (id: string) =>
  (await file.database.sql('SELECT name FROM campaigns WHERE id = ?', [id]))[0]?.name;

const GOOD = {
  'an emoji': '🎟️',
  'as many emoji as the column has characters': '😀'.repeat(NAME_CHARS_MAX),
  '101 emoji': '😀'.repeat(101),
  'decomposed letters': 'Fru\u0308hling',
  'blanks around it': '  sale  ',
  'words of two directions': 'מבצע sale \u200f!',
  nothing: '',
};

test.for(Object.entries(GOOD))('%s is answered, stored and shown as it was sent', async ([, name]) => {
  const id = uniqueName('named');
  const created = await front().admin('POST', '/admin/campaigns', { id, stock: 1, name });
  expect([created.status, created.body.name, await storedOf(id)]).toEqual([201, name, name]);
  const changed = await front().admin('PATCH', `/admin/campaigns/${id}`, { name: `${name.slice(0, 40)}x` });
  expect([changed.status, changed.body.name]).toEqual([200, await storedOf(id)]);
  await front().ask(`/v1/campaigns/${id}`);
  await untilKnown(front(), id, ({ view }) => view.name === changed.body.name);
});

const BAD = {
  'half a character': '\ud800',
  'half a character between others': 'a\udc00b',
  'two halves in the wrong order': '\udc00\ud800',
  NUL: 'a\u0000b',
  'a line end': 'a\nb',
  'what a terminal obeys': '\u001b[31mred',
  'what a terminal obeys in one character': '\u009b31mred',
  'a line separator': 'a\u2028b',
  'one character more than the column has': 'x'.repeat(NAME_CHARS_MAX + 1),
  'one emoji more than the column has characters': '😀'.repeat(NAME_CHARS_MAX + 1),
};

test.for(Object.entries(BAD))(
  'a name with %s is a 422 that names the field, and nothing is stored',
  async ([, name]) => {
    const id = uniqueName('unnamed');
    const refused = await front().admin('POST', '/admin/campaigns', { id, stock: 1, name });
    expect([refused.status, refused.body.errors.map(({ field }) => field)]).toEqual([422, ['name']]);
    expect(await storedOf(id)).toBeUndefined();
    await front().admin('POST', '/admin/campaigns', { id, stock: 1, name: 'before' });
    const changed = await front().admin('PATCH', `/admin/campaigns/${id}`, { name });
    expect([changed.status, await storedOf(id)]).toEqual([422, 'before']);
  },
);

test('a name that is good for the API is good for the command line, and the other way round', () => {
  const command = (name: string) => readCommand(['campaign', 'create', 'x', '--stock', '1', `--name=${name}`]).kind;
  for (const name of Object.values(GOOD)) expect(command(name), name).toBe('ask');
  for (const name of Object.values(BAD)) expect(command(name), name).toBe('problems');
});

test('a body that is no UTF-8 is refused, not kept with other characters in it', async () => {
  const id = uniqueName('latin');
  const answer = await fetch(`${front().adminUrl}/admin/campaigns`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: Buffer.from(`{"id":"${id}","stock":1,"name":"Fr\xfchling"}`, 'latin1'),
  });
  expect([answer.status, await storedOf(id)]).toEqual([400, undefined]);
});

test('half a character in any field of any body is a 422, wherever it stands', async () => {
  const half = '\ud800';
  const campaign = await front().create();
  const bodies: [string, string, unknown][] = [
    ['POST', '/admin/campaigns', { id: half, stock: 1 }],
    ['POST', '/admin/campaigns', { id: uniqueName('half'), stock: 1, [half]: 1 }],
    ['POST', '/admin/campaigns', { id: uniqueName('half'), stock: 1, opensAt: half }],
    ['PATCH', `/admin/campaigns/${campaign}`, { name: { [half]: half } }],
    ['POST', '/admin/dead-letters/redrive', { campaign: half }],
    ['POST', '/admin/dead-letters/redrive', { campaign, reason: half }],
    ['POST', '/admin/dead-letters/discard', { campaign, tickets: ['1', half] }],
  ];
  for (const [method, path, body] of bodies) {
    expect((await front().admin(method, path, body)).status, JSON.stringify(body)).toBe(422);
  }
});
