// A statement that can never work is a mistake of ours, not an outage: asking again would be asked for ever.
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { isOutage, kindOf } from '../../src/ledger/errors.ts';
import { describeError } from '../../src/telemetry/describe-error.ts';
import { ownDatabase } from './own-database.ts';

const database = ownDatabase();
const faultOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

const STATEMENTS: [string, string, unknown[]?][] = [
  ['bad SQL', 'SELEKT 1'],
  ['a column that is not there', 'SELECT colour FROM campaigns'],
  ['a function that is not there', 'SELECT nobody_knows(1)'],
  ['more values than columns', 'INSERT INTO tranches (campaign, last_unit) VALUES (1, 2, 3)'],
  ['two rows where one may be', 'SELECT (SELECT 1 UNION SELECT 2)'],
  ['collations that do not go together', 'SELECT 1 FROM dead_letters WHERE reason = ?', ['재고']],
];

test.for(STATEMENTS)('%s is a defect, is no outage, and leaves the connection', async ([, statement, params = []]) => {
  await using ledger = database.open({ connectionMax: 1 });
  const idOf = async () => (await ledger.run('SELECT connection_id() AS id', [])).rows[0]!.id;
  const before = await idOf();
  const fault = await faultOf(ledger.run(statement, params));
  expect(fault).toMatchObject({ code: 'defect', retryable: false });
  expect([kindOf(fault), isOutage(fault)]).toEqual(['defect', false]);
  expect(await idOf()).toBe(before);
});

test('a parameter that is undefined is a defect', async () => {
  const ledger = database.open();
  const fault = await faultOf(ledger.run('SELECT 1 FROM campaigns WHERE id = ?', [undefined], true));
  expect(fault).toMatchObject({ code: 'defect', retryable: false });
  expect((await ledger.run('SELECT 1 AS one', [])).rows).toEqual([{ one: 1 }]);
});

test('rights and tables that are missing stay a matter of the server', async () => {
  const ledger = database.open();
  expect(kindOf(await faultOf(ledger.run('SELECT 1 FROM nowhere', [])))).toBe('down');
});

test('the log has the statement of a defect and none of its data', async () => {
  const ledger = database.open();
  const query = ledger.db.selectFrom('dead_letters').select('id').where('reason', '=', 'SECRET-재고');
  const told = JSON.stringify(describeError(await faultOf(query.execute())));
  expect(told).toContain('select id from dead_letters where reason = ?');
  // MariaDB and MySQL
  expect(told).toMatch(/ER_CANT_AGGREGATE_2COLLATIONS|ER_CANNOT_CONVERT_STRING/);
  expect(told).not.toContain('SECRET');
  const raw = sql`select * from campaigns where colour = ${'SECRET'}`.execute(ledger.db);
  expect(JSON.stringify(describeError(await faultOf(raw)))).not.toContain('SECRET');
});
