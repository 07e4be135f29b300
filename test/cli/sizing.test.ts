import { expect, test } from 'vitest';
import { sizeText } from '../../src/cli/size-command.ts';
import { MEASURED, sizeOf } from '../../src/cli/sizing.ts';
import { limits } from '../../src/process/limits.ts';
import { read } from '../tidy/sources.ts';

const BENCHMARKS = read('docs/benchmarks.md');
/** The cells of a row of the table of CPU, behind figure and contender. */
const cpu = (figure: string): string[] =>
  new RegExp(`^\\| ${figure} \\| sluice \\| (.*) \\|$`, 'm').exec(BENCHMARKS)![1]!.split(' | ');

test('its figures are those of docs/benchmarks.md', () => {
  const [, frontPerJoin, redisPerJoin] = cpu('joins').map(Number);
  const [, frontPerPoll] = cpu('polls').map(Number);
  const [tickets, , redisPerTicket, databasePerTicket] = cpu('drain').map(Number);
  const bytes = Number(/^\| Redis bytes per waiting ticket .*?\*\*([\d.]+)\*\*/m.exec(BENCHMARKS)![1]);
  const kB = Number(/^\| memory of a wait .*?\| (\d+) kB/m.exec(BENCHMARKS)![1]);
  expect(MEASURED).toMatchObject({
    frontPerJoinUs: frontPerJoin,
    redisPerJoinUs: redisPerJoin,
    frontPerPollUs: frontPerPoll,
    workerTicketsPerSecond: tickets,
    redisPerTicketUs: redisPerTicket,
    databasePerTicketUs: databasePerTicket,
    redisBytesPerWaitingTicket: bytes,
    frontKbPerOpenWait: kB,
  });
});

test('a million buyers for a hundred thousand units in ten minutes', () => {
  const size = sizeOf({ buyers: 1e6, stock: 1e5, minutes: 10 });
  expect(size).toMatchObject({
    joinsPerSecond: 8_334,
    pollsPerSecond: 20_000,
    ticketsPerSecond: 2_382,
    fronts: 2,
    workers: 2,
  });
  expect(size.redisConnections).toBe(2 * limits.frontRedisConnections + 2 * limits.workerRedisConnections);
  expect(size.databaseConnections).toBe(2 * 2 * limits.adminConnectionsMax + 2 * 8 + 16);
  expect(size.notes.join()).not.toMatch(/one primary/);
});

test('a larger crowd needs more, never less, and more than one primary can do is said', () => {
  let before = sizeOf({ buyers: 1, stock: 1, minutes: 10 });
  for (const buyers of [1e3, 1e5, 1e6, 1e7, 1e8]) {
    const size = sizeOf({ buyers, stock: buyers / 10, minutes: 10 });
    for (const [name, value] of Object.entries(size)) {
      if (typeof value === 'number') expect(value).toBeGreaterThanOrEqual(before[name as 'fronts']);
    }
    before = size;
  }
  expect(before.notes[0]).toMatch(/^One campaign lives on one primary/);
});

test('it answers in words and in JSON, and says what it takes', () => {
  const argv = ['--buyers', '1e6', '--stock', '1e5', '--minutes', '10'];
  const { text } = sizeText(argv) as { text: string };
  expect(text).toMatch(/^1,000,000 buyers for 100,000 units within 10 minutes$/m);
  expect(text).toMatch(/^fronts +2, each one core and [\d,]+ MB$/m);
  const json = sizeText([...argv, '--json']) as { text: string };
  expect(JSON.parse(json.text)).toMatchObject({ buyers: 1e6, fronts: 2 });
  expect(sizeText(['--buyers', 'many', '--stock', '0'])).toEqual({
    problems: [
      '--buyers takes a whole number from 1 to 1,000,000,000, such as 5000 or 1e6.',
      '--stock takes a whole number from 1 to 10,000,000, such as 5000 or 1e6.',
      '--minutes takes a whole number from 1 to 100,000, such as 5000 or 1e6.',
    ],
  });
  expect(sizeText(['--byers', '1'])).toMatchObject({
    problems: [expect.any(String), expect.stringMatching(/^Usage: sluice size/)],
  });
});
