import { expect, test } from 'vitest';
import { needsOf } from '../../src/desk/status-needs.ts';
import type { ServiceStatus } from '../../src/domain/service-status.ts';

const up = { reachable: true, connections: { open: 10, max: 151 } };
const ready = (name: string) => ({ name, silentMs: 100, reasons: [] });
const WELL: ServiceStatus = {
  stores: { redis: up, database: up },
  fronts: [ready('front')],
  workers: [ready('worker')],
  waiting: { ticketCount: 5, campaignCount: 1, oldestWaitMs: 200, busiest: [] },
  retrying: 0,
  deadLetters: 0,
  attention: [],
};
const closed = (...ids: string[]) => ids.map((campaign) => ({ campaign, attention: 'gate-closed' as const }));

test.for<[string, Partial<ServiceStatus>, string[], RegExp?]>([
  ['all is well', {}, []],
  [
    'Redis is away',
    { stores: { redis: { reachable: false, connections: null }, database: up } },
    ['redis-unreachable'],
  ],
  [
    'the database is away',
    { stores: { redis: up, database: { reachable: false, connections: null } } },
    ['database-unreachable'],
  ],
  [
    'Kafka is away',
    { kafka: { topic: 't', group: 'g', records: null, worstRecords: null, problem: 'no broker answers' } },
    ['kafka-lag-unknown'],
    /how far workers are behind: no broker answers\. Joins continue/,
  ],
  ['workers are behind Kafka', { kafka: { topic: 't', group: 'g', records: 7, worstRecords: 7, problem: null } }, []],
  ['no worker reports', { workers: [] }, ['no-worker-ready'], /No worker has reported/],
  [
    'no worker is ready',
    { workers: [{ ...ready('w'), reasons: ['ledger-unreachable'] }] },
    ['no-worker-ready', 'process-not-ready'],
    /No worker can issue.*\n.*Worker w is not ready: ledger-unreachable/,
  ],
  ['one of two is not ready', { workers: [ready('a'), { ...ready('b'), reasons: ['x'] }] }, ['process-not-ready']],
  [
    'a front drains',
    { fronts: [{ ...ready('f'), reasons: ['draining'] }] },
    ['process-not-ready'],
    /Front f is not ready/,
  ],
  ['reports cannot be read', { workers: null, fronts: null }, []],
  ['gates are closed', { attention: closed('a', 'b') }, ['gates-closed'], /Joins of a, b are refused/],
  ['many gates are closed', { attention: closed('a', 'b', 'c', 'd', 'e') }, ['gates-closed'], /a, b, c and 2 more are/],
  [
    'a ticket waits for a minute',
    { waiting: { ticketCount: 1, campaignCount: 1, oldestWaitMs: 61_000, busiest: [] } },
    ['tickets-wait'],
    /for 61 s/,
  ],
  ['letters are kept', { deadLetters: 3 }, ['dead-letters'], /3 dead letter/],
  ['letters cannot be counted', { deadLetters: null }, []],
  [
    'connections are nearly used',
    { stores: { redis: up, database: { reachable: true, connections: { open: 125, max: 151 } } } },
    ['connections-nearly-used'],
    /The database has 125 of 151/,
  ],
])('%s', ([, parts, whats, words = /^/]) => {
  const needs = needsOf({ ...WELL, ...parts });
  expect(needs.map(({ what }) => what)).toEqual(whats);
  expect(needs.map(({ text }) => text).join('\n')).toMatch(words);
});
