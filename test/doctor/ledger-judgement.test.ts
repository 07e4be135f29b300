import { expect, test } from 'vitest';
import type { Fields, Status } from '../../src/doctor/finding.ts';
import type { IssuancesShape, LedgerFacts } from '../../src/doctor/ledger-facts.ts';
import { judgeLedger } from '../../src/doctor/ledger-judgement.ts';

const VARIABLES: Fields = {
  version: '8.4.3',
  version_comment: 'MySQL Community Server - GPL',
  sql_mode: 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',
  transaction_isolation: 'READ-COMMITTED',
  foreign_key_checks: 'ON',
  unique_checks: 'ON',
  autocommit: 'ON',
  read_only: 'OFF',
  super_read_only: 'OFF',
  innodb_read_only: 'OFF',
  innodb_flush_log_at_trx_commit: '1',
  log_bin: 'ON',
  sync_binlog: '1',
  max_allowed_packet: '67108864',
  max_connections: '151',
  max_user_connections: '0',
};
const SHAPE: IssuancesShape = {
  exists: true,
  uniqueKeys: ['code', 'campaign,user', 'campaign,unit'],
  foreignKeys: ['campaign,last_unit -> tranches(campaign,last_unit)'],
  checks: [{ clause: '(`unit` between 1 and `last_unit`)', enforced: true }],
};

interface Told {
  variables?: Fields;
  migrations?: { executed: string[]; known: string[] };
  shape?: Partial<IssuancesShape>;
  wanted?: number;
  migrates?: boolean;
}

function statuses({ variables, migrations, shape, wanted = 12, migrates = false }: Told): Record<string, Status> {
  const facts: LedgerFacts = {
    clock: { told: { aheadMs: 0, doubtMs: 0 } },
    variables: { told: { ...VARIABLES, ...variables } },
    connected: { told: 4 },
    migrations: { told: migrations ?? { executed: ['0001'], known: ['0001'] } },
    shape: { told: { ...SHAPE, ...shape } },
  };
  const findings = judgeLedger(facts, { connectionsWanted: wanted, migrates });
  for (const { check, status, means, remedy } of findings) {
    if (status !== 'ok') expect([means, remedy], check).not.toContain('');
  }
  return Object.fromEntries(findings.map(({ check, status }) => [check, status]));
}

test('a MySQL as it should be is ok in everything', () => {
  expect(new Set(Object.values(statuses({})))).toEqual(new Set(['ok']));
});

const EMPTY = { exists: false, uniqueKeys: [], foreignKeys: [], checks: [] };

test.for<[string, Told, string, Status]>([
  ['a MySQL that ignores CHECK', { variables: { version: '8.0.15' } }, 'ledger-version', 'broken'],
  ['the first MySQL that does not', { variables: { version: '8.0.16' } }, 'ledger-version', 'warning'],
  ['MySQL 9', { variables: { version: '9.1.0' } }, 'ledger-version', 'ok'],
  ['MariaDB 10.6', { variables: { version: '10.6.18-MariaDB' } }, 'ledger-version', 'broken'],
  ['MariaDB 10.11', { variables: { version: '10.11.19-MariaDB-0+deb12u1' } }, 'ledger-version', 'ok'],
  [
    'a session that cuts values short',
    { variables: { sql_mode: 'NO_ENGINE_SUBSTITUTION' } },
    'ledger-session',
    'broken',
  ],
  ['another isolation', { variables: { transaction_isolation: 'REPEATABLE-READ' } }, 'ledger-session', 'broken'],
  ['keys that are not checked', { variables: { unique_checks: 'OFF' } }, 'ledger-session', 'broken'],
  ['references that are not checked', { variables: { foreign_key_checks: 'OFF' } }, 'ledger-session', 'broken'],
  ['constraints that are not checked', { variables: { check_constraint_checks: 'OFF' } }, 'ledger-session', 'broken'],
  ['a server that only reads', { variables: { read_only: 'ON' } }, 'ledger-writable', 'broken'],
  ['a MariaDB 12 that only reads', { variables: { read_only: 'NO_LOCK' } }, 'ledger-writable', 'broken'],
  [
    'a server that only reads, for superusers too',
    { variables: { super_read_only: '1' } },
    'ledger-writable',
    'broken',
  ],
  ['commits flushed once a second', { variables: { innodb_flush_log_at_trx_commit: '2' } }, 'ledger-flush', 'broken'],
  ['a binary log left to the kernel', { variables: { sync_binlog: '0' } }, 'ledger-binary-log', 'warning'],
  ['no binary log', { variables: { log_bin: 'OFF', sync_binlog: '0' } }, 'ledger-binary-log', 'ok'],
  ['small packets', { variables: { max_allowed_packet: '262144' } }, 'ledger-packet', 'warning'],
  ['too many connections wanted', { wanted: 76 }, 'ledger-connections', 'warning'],
  ['few allowed to this user', { variables: { max_user_connections: '20' } }, 'ledger-connections', 'warning'],
  ['a migration that has not run', { migrations: { executed: [], known: ['0001'] } }, 'ledger-migrations', 'broken'],
  [
    'a migration that runs next',
    { migrations: { executed: [], known: ['0001'] }, migrates: true },
    'ledger-migrations',
    'ok',
  ],
  [
    'a migration of a newer version',
    { migrations: { executed: ['0001', '0002'], known: ['0001'] } },
    'ledger-migrations',
    'warning',
  ],
  ['no table', { shape: EMPTY }, 'ledger-constraints', 'broken'],
  ['no table before the migrations', { shape: EMPTY, migrates: true }, 'ledger-constraints', 'ok'],
  [
    'a unit that may be issued twice',
    { shape: { uniqueKeys: ['campaign,user', 'code'] } },
    'ledger-constraints',
    'broken',
  ],
  ['a user who may have two', { shape: { uniqueKeys: ['campaign,unit', 'code'] } }, 'ledger-constraints', 'broken'],
  [
    'a unit that may be issued twice, also before migrations',
    { shape: { uniqueKeys: ['campaign,user', 'code'] }, migrates: true },
    'ledger-constraints',
    'broken',
  ],
  [
    'a key on the beginning of the user only',
    { shape: { uniqueKeys: ['campaign,unit', 'campaign,user(10)', 'code'] } },
    'ledger-constraints',
    'broken',
  ],
  [
    'a code that may stand twice',
    { shape: { uniqueKeys: ['campaign,unit', 'campaign,user'] } },
    'ledger-constraints',
    'broken',
  ],
  ['rows beyond every tranche', { shape: { foreignKeys: [] } }, 'ledger-constraints', 'broken'],
  ['no bound of units', { shape: { checks: [{ clause: 'seq > 0', enforced: true }] } }, 'ledger-constraints', 'broken'],
  [
    'a bound that is not enforced',
    { shape: { checks: [{ clause: SHAPE.checks[0]!.clause, enforced: false }] } },
    'ledger-constraints',
    'broken',
  ],
  [
    'another bound of units',
    { shape: { checks: [{ clause: 'unit <= last_unit + 1', enforced: true }] } },
    'ledger-constraints',
    'warning',
  ],
])('%s', ([, told, check, status]) => {
  expect(statuses(told)[check]).toBe(status);
});
