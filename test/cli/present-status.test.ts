import { expect, test } from 'vitest';
import { plain, type Screen, type Status, statusText, topText } from '../../src/cli/present-status.ts';
import type { TopicLag } from '../../src/domain/service-status.ts';

const process = (name: string, ...reasons: string[]) => ({ name, silentMs: 1, reasons });
const STATUS: Status = {
  at: '2026-11-27T08:00:00.000Z',
  stores: {
    redis: { reachable: true, connections: { open: 30, max: 10_000 } },
    database: { reachable: false, connections: null },
  },
  fronts: [process('front-1')],
  workers: Array.from({ length: 12 }, (_, n) => process(`a-worker-with-a-long-name-${n}`, ...(n === 3 ? ['x'] : []))),
  backlog: { tickets: 12_345, campaigns: 14, oldestWaitMs: 61_400 },
  retrying: 2,
  deadLetters: null,
  campaigns: Array.from({ length: 14 }, (_, n) => ({
    id: n === 0 ? 'a'.repeat(63) : `sale-${n}`,
    backlog: 14 - n,
    settled: 100,
    oldestWaitMs: 1_000,
  })),
  attention: null,
  needs: Array.from({ length: 10 }, (_, n) => ({ what: 'x', text: `${n} ${'many words '.repeat(12)}\u001b[2J end` })),
};

test('whatever there is to show, it is 80 columns wide, bounded, and hides nothing', () => {
  const text = statusText(STATUS, plain);
  expect(text.split('\n').filter((line) => line.length > 80 && !line.endsWith('a'.repeat(63)))).toEqual([]);
  expect(text.split('\n').length).toBeLessThan(60);
  expect(text).toMatch(/^database +does not answer$/m);
  expect(text).toMatch(/^workers +11 ready of 12: .*…$/m);
  expect(text).toMatch(/^backlog +12,345 tickets of 14 campaigns, the oldest for 61\.4 s$/m);
  expect(text).toMatch(/^dead letters +unknown$/m);
  expect(text).toMatch(/^and 4 more campaigns$/m);
  expect(text).toMatch(/^and 2 more: --json shows all$/m);
  expect(text).not.toContain('\u001b');
});

test('how fast a campaign is settled follows from two looks, and not from a gate that began again', () => {
  const [first, second] = STATUS.campaigns!;
  const later = (settled: number): Status => ({
    ...STATUS,
    at: '2026-11-27T08:00:02.000Z',
    campaigns: [{ ...second!, settled }],
  });
  expect(topText(later(2_100), STATUS, plain)).toMatch(/^ +13 +1\.0 +1,000 +sale-1$/m);
  expect(topText(later(50), STATUS, plain)).toMatch(/^ +13 +1\.0 +– +sale-1$/m);
  expect(topText({ ...later(9), campaigns: [first!] }, later(1), plain)).toMatch(/ – +a{63}$/m);
});

test('nothing to show is said, and what needs a person stands out', () => {
  const calm: Status = { ...STATUS, campaigns: [], needs: [] };
  expect(statusText(calm, plain)).toMatch(/^No campaign has tickets waiting\.\n\nNothing needs a person\.$/m);
  expect(statusText({ ...calm, campaigns: null }, plain)).toMatch(
    /^Which campaigns have tickets waiting is unknown\.$/m,
  );
  const loud: Screen = { bad: (text) => `<${text}>`, strong: (text) => `*${text}*` };
  const shown = topText({ ...calm, needs: [{ what: 'x', text: 'Look here.' }] }, undefined, loud);
  expect(shown).toMatch(/^\*sluice top {2}/);
  expect(shown).toMatch(/^\*Needs a person:\*\n<- Look here\.>$/m);
});

test('the lag of Kafka is told in records where Kafka carries tickets, and only there', () => {
  const lag = { topic: 't', group: 'g', records: 1_200, worstRecords: 700, problem: null };
  expect(statusText(STATUS, plain)).not.toMatch(/^kafka/m);
  const said = (kafka: TopicLag | null) => /^kafka +(.*)$/m.exec(statusText({ ...STATUS, kafka }, plain))?.[1];
  expect(said(lag)).toBe('lag 1,200 records, each of 1 to 500 tickets');
  expect(said({ ...lag, records: 0 })).toBe('lag 0 records');
  expect(said({ ...lag, records: null, problem: 'no broker\u001b answers' })).toBe(
    'lag unknown: no broker\\u{001B} answers',
  );
  expect(said(null)).toBe('unknown');
});
