import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.ts';
import { describeError, errorWords } from '../../src/telemetry/describe-error.ts';

const C = 'canary-5f3';
const failure = (message: string, members: object = {}) => Object.assign(new Error(message), members);

function parseFailure(): Error {
  try {
    JSON.parse(`{"password":${C}`);
  } catch (error) {
    return error as Error;
  }
  throw new Error('unreachable');
}

const server = failure(`Data truncated: ${C}`, {
  code: 'ER_X',
  errno: 1265,
  sqlMessage: `Data truncated: ${C}`,
  sql: C,
});

const ERRORS: Record<string, unknown> = {
  'a command that failed': failure('WRONGPASS invalid password', { command: { name: 'auth', args: ['default', C] } }),
  'a command nobody knows': failure(`ERR unknown command 'AUHT', with args beginning with: '${C}' 'x'`),
  'a row that stands already': failure(`Duplicate entry '${C}' for key 'issuances_one_per_user'`, {
    errno: 1062,
    sql: C,
  }),
  'a value with a quotation mark in it': failure(`Duplicate entry 'o'${C}' for key 'x'`),
  'a value in other marks': failure(`no column \`${C}\``),
  'a value that was cut off': failure(`Incorrect value: '${C}`),
  'a server’s own words': server,
  'a fault that repeats the server’s words': new Fault('invalid', `the ledger refuses the row: Data truncated: ${C}`, {
    cause: server,
  }),
  'a claim that does not fit': failure('unexpected "aud" claim value', { payload: { sub: C }, claim: 'aud' }),
  'an address with credentials': failure(`cannot reach redis://:${C}@10.0.0.1:6379`),
  'an address with credentials of odd letters': failure(`cannot reach https://a:p@ss/${C}@id.example/keys`),
  'half a file of secrets': parseFailure(),
  'a cause of a cause': new Error('outer', { cause: new Error('inner', { cause: failure('inmost', { token: C }) }) }),
  'several at once': new AggregateError([failure(`'${C}'`)], 'all failed'),
  'no error at all': { password: C },
  'a text': `the token '${C}' is wrong`,
  'a message that looks like a stack': failure(`x\n    at ${C} (/src/x.ts:1:1)`),
};

test.for(Object.entries(ERRORS))('%s is described without what it carries', ([, error]) => {
  // It is there to be told.
  expect(inspect(error, { depth: 9, showHidden: true })).toContain(C);
  expect(JSON.stringify(describeError(error))).not.toContain(C);
  expect(errorWords.inFull(error)).not.toContain(C);
  if (error instanceof Error) expect(errorWords.inLine(error)).not.toContain(C);
});

test('what helps is there: name, code, message, where, and why', () => {
  const error = new Fault('ledger-unavailable', 'the ledger is away', {
    cause: failure('no answer', { code: 'ETIMEDOUT' }),
  });
  expect(describeError(error)).toMatchObject({
    name: 'Fault',
    code: 'ledger-unavailable',
    message: 'the ledger is away',
    cause: { name: 'Error', code: 'ETIMEDOUT', message: 'no answer' },
  });
  const full = errorWords.inFull(error);
  expect(full).toMatch(/^Fault \(ledger-unavailable\): the ledger is away\n {4}at .*describe-error\.test\.ts:\d+/);
  expect(full).toMatch(/^caused by Error \(ETIMEDOUT\): no answer$/m);
  expect(errorWords.inLine(failure("the front's own words stay"))).toBe("the front's own words stay");
});

test('an error that is its own cause is told and done with', () => {
  const error = new Error('again');
  error.cause = error;
  expect(errorWords.inFull(error).match(/again/g)).toHaveLength(4);
});
