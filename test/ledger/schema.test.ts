import { expect, test } from 'vitest';
import { createCampaign } from '../../src/ledger/creations.ts';
import { cancelledUsers } from '../../src/ledger/exclusion.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { addStock } from '../../src/ledger/stock.ts';
import { databaseUrl, uniqueName } from '../helpers/services.ts';
import { ownDatabase } from './own-database.ts';

const database = ownDatabase();
let code = 0;
const ALL = [
  '0001-ledger',
  '0002-epochs',
  '0003-cancellations',
  '0004-user-ids',
  '0005-cancelled-tags',
  '0006-letters-by-user',
  '0007-campaign-ends',
  '0008-ends-index',
  '0009-letter-spans',
  '0010-letters-kept',
  '0011-epochs-opened',
  '0012-outbox',
];

function insert(campaign: string, unit: number, user: string, lastUnit: number): Promise<unknown> {
  code += 1;
  return database.sql(
    `INSERT INTO issuances (campaign, unit, user, seq, epoch, code, admitted_at, last_unit)
      VALUES (?, ?, ?, 1, 1, ?, '2026-12-24 09:00:00.000', ?)`,
    [campaign, unit, user, `CODE${String(code).padStart(12, '0')}`, lastUnit],
  );
}

async function campaignOf(stock: number): Promise<string> {
  const id = uniqueName('sale');
  await createCampaign(database.open(), { id, stock }, 'tester');
  return id;
}

test('no statement can write a unit beyond the stock, whatever last unit it claims', async () => {
  const id = await campaignOf(2);
  await insert(id, 1, 'ann', 2);
  await insert(id, 2, 'bob', 2);
  await expect(insert(id, 3, 'cid', 2)).rejects.toMatchObject({ errno: expect.toBeOneOf([4025, 3819]) });
  await expect(insert(id, 3, 'cid', 3)).rejects.toMatchObject({ errno: 1452 });
  await expect(insert(id, 0, 'cid', 2)).rejects.toMatchObject({ errno: expect.toBeOneOf([4025, 3819]) });
  await expect(database.sql('UPDATE issuances SET unit = 3 WHERE campaign = ? AND unit = 2', [id])).rejects.toThrow();
  await expect(
    database.sql('UPDATE issuances SET last_unit = 9 WHERE campaign = ? AND unit = 2', [id]),
  ).rejects.toThrow();
});

test('the same unit and the same user stand once', async () => {
  const id = await campaignOf(5);
  await insert(id, 1, 'ann', 5);
  await expect(insert(id, 1, 'bob', 5)).rejects.toMatchObject({ errno: 1062 });
  await expect(insert(id, 2, 'ann', 5)).rejects.toMatchObject({ errno: 1062 });
  await insert(id, 2, 'Ann', 5);
});

test('a campaign whose stock grew takes the new units and not one more', async () => {
  const id = await campaignOf(1);
  await insert(id, 1, 'ann', 1);
  await addStock(database.open(), id, 1, 'second tranche', 'tester');
  await expect(insert(id, 1, 'bob', 2)).rejects.toMatchObject({ errno: 1062 });
  await insert(id, 2, 'bob', 2);
  await expect(insert(id, 3, 'cid', 2)).rejects.toThrow();
});

test('the stock of a campaign cannot be set to what is no tranche, nor can a tranche in use be taken away', async () => {
  const id = await campaignOf(3);
  await insert(id, 3, 'ann', 3);
  await expect(database.sql('UPDATE campaigns SET stock = 2 WHERE id = ?', [id])).rejects.toMatchObject({
    errno: 1452,
  });
  await expect(database.sql('DELETE FROM tranches WHERE campaign = ?', [id])).rejects.toMatchObject({ errno: 1451 });
});

test('rows of a campaign the ledger does not know are impossible', async () => {
  await expect(insert('nobody', 1, 'ann', 1)).rejects.toMatchObject({ errno: 1452 });
});

test('migrations run once, also when four processes start at the same time on an empty database', async () => {
  const name = uniqueName('fresh').replace('-', '_');
  await database.sql(`CREATE DATABASE ${name}`);
  try {
    const url = Object.assign(new URL(databaseUrl()), { pathname: `/${name}` }).href;
    const ledgers = [1, 2, 3, 4].map((n) => database.open({ url, name: `starter ${n}` }));
    const ran = await Promise.all(ledgers.map(migrate));
    expect(ran.flat()).toEqual(ALL);
    expect(await migrate(ledgers[0]!)).toEqual([]);
  } finally {
    await database.sql(`DROP DATABASE ${name}`);
  }
});

test('a migration that died half-way starts over', async () => {
  const name = uniqueName('half').replace('-', '_');
  await database.sql(`CREATE DATABASE ${name}`);
  try {
    const url = Object.assign(new URL(databaseUrl()), { pathname: `/${name}` }).href;
    const ledger = database.open({ url });
    await migrate(ledger);
    await database.sql(`DELETE FROM ${name}.kysely_migration`);
    await database.sql(`DROP TABLE ${name}.dead_letters`);
    expect(await migrate(ledger)).toEqual(ALL);
    expect(await ledger.db.selectFrom('dead_letters').selectAll().execute()).toEqual([]);
  } finally {
    await database.sql(`DROP DATABASE ${name}`);
  }
});

test('a ledger of before keeps its dead letters when it learns to redrive them', async () => {
  const name = uniqueName('older').replace('-', '_');
  await database.sql(`CREATE DATABASE ${name}`);
  try {
    const url = Object.assign(new URL(databaseUrl()), { pathname: `/${name}` }).href;
    const ledger = database.open({ url });
    await migrate(ledger);
    // As it was: without what the later migrations add, and with a letter in it.
    await database.sql(`DELETE FROM ${name}.kysely_migration WHERE name >= '0003-cancellations'`);
    await database.sql(`DROP TABLE ${name}.cancellations`);
    await database.sql(
      `ALTER TABLE ${name}.dead_letters DROP KEY dead_letters_redriving, DROP COLUMN redrive_count, DROP COLUMN redriving_at`,
    );
    await database.sql(
      `INSERT INTO ${name}.dead_letters (campaign, seq, epoch, reason, detail, attempts) VALUES ('sale', 1, 1, 'x', '', 6)`,
    );
    expect(await migrate(ledger)).toEqual(ALL.slice(2));
    const letters = await ledger.db.selectFrom('dead_letters').selectAll().execute();
    expect(letters).toMatchObject([{ campaign: 'sale', state: 'kept', redrive_count: 0, redriving_at: null }]);
  } finally {
    await database.sql(`DROP DATABASE ${name}`);
  }
});

test('a ledger of before keeps its rows and its constraints when user ids need not be ASCII any more', async () => {
  const name = uniqueName('ascii').replace('-', '_');
  await database.sql(`CREATE DATABASE ${name}`);
  try {
    const url = Object.assign(new URL(databaseUrl()), { pathname: `/${name}` }).href;
    const ledger = database.open({ url });
    await migrate(ledger);
    // As it was: ASCII columns, with rows in them, and cancellations without tags.
    await database.sql(`DELETE FROM ${name}.kysely_migration WHERE name >= '0004-user-ids'`);
    await database.sql(`ALTER TABLE ${name}.cancellations DROP KEY cancellations_tag, DROP COLUMN tag`);
    const ascii = 'user varchar(128) character set ascii collate ascii_bin';
    await database.sql(`ALTER TABLE ${name}.issuances MODIFY ${ascii} NOT NULL`);
    for (const table of ['dead_letters', 'cancellations'])
      await database.sql(`ALTER TABLE ${name}.${table} MODIFY ${ascii}`);
    const { campaign } = await createCampaign(ledger, { id: 'sale', stock: 6 }, 'tester');
    const longest = '~'.repeat(128);
    const write = (unit: number, user: string) => {
      code += 1;
      return ledger.run(
        `INSERT INTO issuances (campaign, unit, user, seq, epoch, code, admitted_at, last_unit) VALUES (?, ?, ?, 1, 1, ?, '2026-12-24', 6)`,
        [campaign.id, unit, user, `CODE${String(code).padStart(12, '0')}`],
      );
    };
    const users = ['ann', 'Ann', longest];
    for (const [i, user] of users.entries()) await write(i + 1, user);
    await ledger.run(
      `INSERT INTO dead_letters (campaign, seq, epoch, user, reason, detail, attempts) VALUES ('sale', 1, 1, ?, 'x', '', 6), ('sale', 2, 1, NULL, 'x', '', 6)`,
      ['bob'],
    );
    await ledger.run(
      `INSERT INTO cancellations (campaign, seq, epoch, user, kind, actor) VALUES ('sale', 3, 1, ?, 'cancelled', 'user')`,
      ['cid'],
    );
    await expect(write(4, '홍길동')).rejects.toThrow();

    expect(await migrate(ledger)).toEqual(ALL.slice(3));
    const usersOf = async (table: 'issuances' | 'dead_letters' | 'cancellations') =>
      (await ledger.db.selectFrom(table).select('user').orderBy('seq').execute()).map(({ user }) => user);
    expect(new Set(await usersOf('issuances'))).toEqual(new Set(users));
    expect(await usersOf('dead_letters')).toEqual(['bob', null]);
    expect(await usersOf('cancellations')).toEqual(['cid']);
    expect(await cancelledUsers(ledger, 'sale', ['bob', 'cid'])).toEqual(new Set(['cid']));
    // Alike to the eye, to a reader or to another collation, and four users.
    await write(4, 'jürgen');
    await write(5, 'ju\u0308rgen');
    await write(6, 'Jürgen');
    for (const user of ['jürgen', 'ann', longest])
      await expect(write(1, user)).rejects.toMatchObject({ code: 'conflict' });
    const found = await ledger.db.selectFrom('issuances').select('unit').where('user', '=', 'ju\u0308rgen').execute();
    expect(found).toEqual([{ unit: 5 }]);
    await expect(write(7, '가')).rejects.toThrow();
    await ledger.run('UPDATE issuances SET user = ? WHERE unit = 6', ['\u{1f6d2}'.repeat(32)]);
  } finally {
    await database.sql(`DROP DATABASE ${name}`);
  }
});
