// The smaller judgements: clocks, gates, what strangers can reach, and the report of them all.
import { expect, test } from 'vitest';
import { judgeClocks } from '../../src/doctor/clocks.ts';
import { type Exposure, judgeExposure } from '../../src/doctor/exposure.ts';
import { broken, type Fact, type Finding, ok, type Status, unknown, warning } from '../../src/doctor/finding.ts';
import type { GateFacts } from '../../src/doctor/gate-facts.ts';
import { judgeGates } from '../../src/doctor/gate-judgement.ts';
import { exitCodeOf, jsonOf, lineOf, textOf } from '../../src/doctor/report.ts';

const reading = (aheadMs: number, doubtMs = 0) => ({ told: { aheadMs, doubtMs } });
const SILENT = { untold: 'NOPERM' };

test.for<[string, Fact<{ aheadMs: number; doubtMs: number }>, Fact<{ aheadMs: number; doubtMs: number }>, Status]>([
  ['clocks that agree', reading(20), reading(-900), 'ok'],
  ['two stores on both sides of us', reading(600), reading(-600), 'warning'],
  ['a second', reading(1_000), reading(0), 'warning'],
  ['a second behind', reading(0), reading(-1_000), 'warning'],
  ['a second that the way of the answer may explain', reading(1_000, 300), reading(0), 'ok'],
  ['a minute', reading(0), reading(60_000), 'broken'],
  ['an hour, the other clock silent', reading(-3_600_000), SILENT, 'broken'],
])('%s', ([, redis, ledger, status]) => {
  expect(judgeClocks(redis, ledger).map((finding) => finding.status)).toEqual([status]);
});

test('doctor says how exactly a front knows the clock of Redis', () => {
  const [finding] = judgeClocks({ told: { aheadMs: 3, doubtMs: 4 } }, SILENT);
  expect(finding).toMatchObject({ status: 'ok' });
  expect(finding!.found).toMatch(/knows the clock of Redis to 54 ms$/);
});

test('the clock that is ahead is named', () => {
  expect(judgeClocks(reading(5_000), reading(0))[0]!.found).toBe('Redis is ahead of this process by 5.0 s');
  expect(judgeClocks(reading(0), reading(-7_000))[0]!.found).toMatch(/is ahead of the database by 7.0 s$/);
});

test('without any answer nothing is said about clocks', () => {
  expect(judgeClocks(SILENT, SILENT)).toEqual([]);
});

const LOCAL: Exposure = {
  production: false,
  adminHost: '127.0.0.1',
  adminToken: undefined,
  telemetryHost: '::1',
  publicHost: 'localhost',
  believesBareHeader: true,
  logLevel: 'debug',
};
const TOKEN = '5f0c1d9e7a3b482c9d6e';

test.for<[string, Partial<Exposure>, string, Status]>([
  ['a local admin API', {}, 'admin-listener', 'ok'],
  ['an admin API on every address', { adminHost: '0.0.0.0', adminToken: TOKEN }, 'admin-listener', 'warning'],
  ['an admin API on every address, its token made', { adminHost: '::' }, 'admin-listener', 'warning'],
  [
    'a placeholder on every address',
    { adminHost: '0.0.0.0', adminToken: 'change-me-change-me' },
    'admin-listener',
    'broken',
  ],
  ['a placeholder of words', { adminHost: '0.0.0.0', adminToken: 'your-admin-token-here' }, 'admin-listener', 'broken'],
  ['digits in their order', { adminHost: '0.0.0.0', adminToken: '12345678901234567890' }, 'admin-listener', 'broken'],
  ['one letter again and again', { adminHost: '0.0.0.0', adminToken: 'x'.repeat(32) }, 'admin-listener', 'broken'],
  ['a short token on every address', { adminHost: '0.0.0.0', adminToken: '5f0c1d9e' }, 'admin-listener', 'broken'],
  ['a placeholder that only this machine reaches', { adminToken: 'change-me-change-me' }, 'admin-listener', 'warning'],
  ['a token with a word in it', { adminHost: '0.0.0.0', adminToken: `token-${TOKEN}` }, 'admin-listener', 'warning'],
  ['local metrics', {}, 'telemetry-listener', 'ok'],
  ['metrics on every address', { telemetryHost: '0.0.0.0' }, 'telemetry-listener', 'warning'],
  ['buyers who name themselves, locally', {}, 'identity', 'ok'],
  ['buyers who name themselves, for everybody', { publicHost: '0.0.0.0' }, 'identity', 'warning'],
  ['buyers who name themselves in production', { production: true }, 'identity', 'warning'],
  ['buyers whom a gateway names', { publicHost: '0.0.0.0', believesBareHeader: false }, 'identity', 'ok'],
  ['debugging a local one', {}, 'log-level', 'ok'],
  ['debugging in production', { production: true }, 'log-level', 'warning'],
])('%s', ([, exposure, check, status]) => {
  const findings = judgeExposure({ ...LOCAL, ...exposure });
  expect(findings.find((finding) => finding.check === check)?.status).toBe(status);
});

test('a process is not judged for what it does not open', () => {
  const closed = { adminHost: undefined, telemetryHost: undefined, publicHost: undefined };
  expect(judgeExposure({ ...LOCAL, ...closed }).map(({ check }) => check)).toEqual(['log-level']);
});

const GATE: GateFacts = {
  campaign: { id: 'spring', epoch: 2, shards: 2, buckets: 16 },
  gate: { epoch: '2', shards: '2', buckets: '16' },
  hasOldLayout: false,
  groups: [{ lag: 3 }, { lag: 0 }],
  waiting: { count: 5, oldestMs: 900 },
};
const gateOf = (fields: Record<string, string>) => ({ ...GATE, gate: { ...GATE.gate, ...fields } });

test.for<[string, GateFacts[], string, Status]>([
  ['no campaign at all', [], 'gates', 'ok'],
  ['a gate that is there', [GATE], 'gates', 'ok'],
  ['a gate that is not', [GATE, { ...GATE, gate: undefined }], 'gates', 'warning'],
  ['a gate of the same epoch', [GATE], 'gate-epochs', 'ok'],
  ['a gate of an earlier epoch', [gateOf({ epoch: '1' })], 'gate-epochs', 'warning'],
  ['a gate of a later epoch', [gateOf({ epoch: '1' }), gateOf({ epoch: '3' })], 'gate-epochs', 'broken'],
  ['another number of shards', [gateOf({ shards: '4' })], 'gate-shapes', 'broken'],
  ['another number of buckets', [gateOf({ buckets: '17' })], 'gate-shapes', 'broken'],
  ['streams with their group', [GATE], 'work-groups', 'ok'],
  ['a stream without its group', [{ ...GATE, groups: [{ lag: 0 }, undefined] }], 'work-groups', 'warning'],
  ['a lag', [GATE], 'work-lag', 'ok'],
  ['a lag that is null', [{ ...GATE, groups: [{ lag: 3 }, { lag: null }] }], 'work-lag', 'unknown'],
  [
    'no lag, because no worker has made the groups, and a ticket that waits for a minute',
    [{ ...GATE, groups: [undefined, undefined], waiting: { count: 1, oldestMs: 60_000 } }],
    'work-lag',
    'warning',
  ],
])('%s', ([, gates, check, status]) => {
  const findings = judgeGates({ told: gates }, false);
  expect(findings.find((finding) => finding.check === check)?.status).toBe(status);
});

test('a null lag is not counted as none', () => {
  const findings = judgeGates({ told: [{ ...GATE, groups: [{ lag: 3 }, { lag: null }] }] }, false);
  expect(findings.at(-1)!.found).toBe('3 entries not delivered yet, and Redis does not know the lag of 1 stream(s)');
});

test('many campaigns make one line, with the first of them named and the rest counted', () => {
  const lost = Array.from({ length: 40 }, (_, n) => ({
    ...GATE,
    gate: undefined,
    campaign: { ...GATE.campaign, id: `sale-${n}` },
  }));
  const [gates] = judgeGates({ told: lost }, true);
  expect(gates!.found).toMatch(/^no gate for sale-0, sale-1, sale-2 and 37 more; 40 live campaign\(s\), and more that/);
});

const words = { found: 'found', means: 'means', remedy: 'remedy' };

test.for<[string, Finding[], number]>([
  ['all ok', [ok('redis', 'answers'), ok('ledger', 'answers')], 0],
  ['warnings and what is forbidden', [warning('x', words), unknown('y', 'NOPERM')], 0],
  ['something broken', [ok('redis', 'answers'), broken('x', words)], 1],
  ['a store that is away', [unknown('ledger', 'ECONNREFUSED'), warning('x', words)], 2],
  ['a store that is away and something broken', [unknown('redis', 'ECONNREFUSED'), broken('x', words)], 1],
])('the exit code of %s', ([, findings, code]) => {
  expect(exitCodeOf(findings)).toBe(code);
  expect(JSON.parse(jsonOf(findings))).toMatchObject({ exitCode: code, findings });
});

test('a finding is one line: found, means, do; nothing in it moves the cursor', () => {
  const line = lineOf(broken('redis-role', { found: 'a\u001b[31m\nb', means: 'c', remedy: 'd' }));
  expect(line).toBe('broken   redis-role          a\\u{001B}[31m\\u{000A}b; c. Do: d');
  expect(textOf([ok('redis', 'answers')])).toBe(
    'ok       redis               answers\n\n1 ok, 0 warning(s), 0 broken, 0 unknown\n',
  );
});
