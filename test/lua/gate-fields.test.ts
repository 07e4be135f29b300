// Scripts name the fields of a gate by themselves: what they read is what the settings or another script write.
import { expect, test } from 'vitest';
import { newSettings } from '../../src/domain/campaign.ts';
import { settingsOfGate } from '../../src/gate/redis/gate.ts';
import { read, sources } from '../tidy/sources.ts';

/** The fields that calls of these commands on the gate name; of `'settled:' .. shard` it is `settled:`. */
function fieldsOf(script: string, commands: string): Set<string> {
  const begins = [...script.matchAll(new RegExp(`'(?:${commands})', gate,`, 'g'))].map(
    ({ 0: begin, index }) => index + begin.length,
  );
  const named = begins.flatMap((begin) => [...argumentsAt(script, begin).matchAll(/'([a-z_]+:?)'/g)]);
  return new Set(named.map(([, field]) => field!));
}

/** The text up to the bracket that closes the call. */
function argumentsAt(script: string, begin: number): string {
  let open = 1;
  let end = begin;
  for (; open > 0 && end < script.length; end += 1) open += { '(': 1, ')': -1 }[script[end]!] ?? 0;
  return script.slice(begin, end - 1);
}

const scripts = sources('.lua').map((path) => ({ path, text: read(path) }));
const campaign = { ...newSettings({ id: 'a', stock: 1 }), id: 'a', buckets: 16, version: 1, epoch: 1, createdAt: 0 };
const settings = settingsOfGate({ ...campaign, state: 'active' }).filter((_, index) => index % 2 === 0);
const written = new Set<unknown>(settings);
for (const { text } of scripts) for (const field of fieldsOf(text, 'HSET|HINCRBY')) written.add(field);

test('a field of the gate that a script reads is a setting of the table, or a script writes it', () => {
  const unwritten = scripts.flatMap(({ path, text }) =>
    [...fieldsOf(text, 'HGET|HMGET')].filter((field) => !written.has(field)).map((field) => `${path}: ${field}`),
  );
  expect(unwritten, 'compare with gateField in src/domain/campaign-settings.ts').toEqual([]);
});

test('the settings by which admit.lua decides are read, and fields are found however their call is written', () => {
  const reads = fieldsOf(read('lua/admit.lua'), 'HGET|HMGET');
  for (const field of ['state', 'opens_at', 'closes_at', 'stock', 'rate', 'burst', 'backlog_max', 'grace'])
    expect(reads, field).toContain(field);
  const text = "call('HMGET', gate, 'a',\n  'b:' .. f(k), 'c') x('HGET', users, 'd') call('HGET', gate, 'e') y('f')";
  expect([...fieldsOf(text, 'HGET|HMGET')]).toEqual(['a', 'b:', 'c', 'e']);
});
