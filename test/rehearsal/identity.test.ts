import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSettings } from '../../src/rehearsal/settings.ts';
import { temporaryFolder } from '../helpers/own-names.ts';
import { hold } from './run.ts';
import { at, GATEWAY_SECRET, startSmallSale } from './small-sale.ts';

const ENV = { ADMIN_TOKEN: 'token', DATABASE_URL: 'mysql://a/b' };
const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`;

const patience = { timeout: 100_000 };

test(
  'a service that does not know the buyers is no broken promise: exit code 77, and what to give',
  patience,
  async (t) => {
    const sale = await startSmallSale(t, 'asks for a gateway secret');
    const { code, stdout, stderr } = await hold(t, at(sale, '--quiet'));
    expect([code, stdout]).toEqual([77, '']);
    expect(stderr).toMatch(
      /could not run: the service refused a buyer \(401 The request does not identify a user\)\. .*--gateway-secret-file/,
    );
    expect(sale.adminCalls.at(-1)?.path).toMatch(/\/close$/);
  },
);

test('a poll that is refused with 403 judges nothing either', patience, async (t) => {
  const { code, stderr } = await hold(t, at(await startSmallSale(t, 'forgets who polls'), '--quiet'));
  expect([code, stderr]).toEqual([77, expect.stringContaining('refused a buyer (403)')]);
});

test('an admin token that is refused exits with 77, too', patience, async (t) => {
  const { code, stderr } = await hold(t, at(await startSmallSale(t), '--admin-token', 'wrong'));
  expect([code, stderr]).toEqual([77, expect.stringMatching(/refused the token \(401\).*ADMIN_TOKEN/)]);
});

test('buyers come as by the gateway whose secret is in a file or in GATEWAY_SECRET', patience, async (t) => {
  const file = join(await temporaryFolder(t), 'secret');
  await writeFile(file, `${GATEWAY_SECRET}\n`);
  const inFile = await hold(t, at(await startSmallSale(t, 'asks for a gateway secret'), '--gateway-secret-file', file));
  expect([inFile.code, inFile.stderr]).toEqual([0, expect.any(String)]);
  const rotating = { GATEWAY_SECRET: `${GATEWAY_SECRET},the-old-one-of-the-gateway` };
  const inEnvironment = await hold(t, at(await startSmallSale(t, 'asks for a gateway secret')), rotating);
  expect(inEnvironment.code, inEnvironment.stderr).toBe(0);
});

test('each buyer has a bearer token of a file, and is the user that its claim names', async (t) => {
  const file = join(await temporaryFolder(t), 'tokens');
  const tokens = [jwt({ sub: 'ann' }), jwt({ sub: 'bob' })];
  await writeFile(file, `${tokens.join('\n')}\n\n`);
  const read = (...more: string[]) => readSettings(['--tokens-file', file, ...more], ENV);
  const { identity } = (read('--buyers', '2') as Extract<ReturnType<typeof read>, { kind: 'settings' }>).settings;
  expect([identity.userOf('seed', 0), identity.userOf('seed', 1)]).toEqual(['ann', 'bob']);
  expect(identity.headersOf('bob')).toEqual({ authorization: `Bearer ${tokens[1]}` });
  expect(() => read('--buyers', '3')).toThrow('2 tokens for 3 buyers. Give --buyers 2');
  await writeFile(file, [jwt({ sub: 'ann' }), jwt({ sub: 'ann' })].join('\n'));
  expect(() => read('--buyers', '2')).toThrow('2 tokens name 1 users in sub');
  await writeFile(file, 'no-token');
  expect(() => read('--buyers', '1')).toThrow('line 1 of --tokens-file is not a JWT with the claim sub');
  const both = readSettings(['--tokens-file', file, '--gateway-secret-file', file], ENV);
  expect(both).toMatchObject({ problems: [expect.stringContaining('exclude each other')] });
});
