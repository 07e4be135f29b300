// What the facts of the ledger's server mean. Pure.
import { limits } from '../process/limits.ts';
import { judgeLedgerConnections } from './connection-judgement.ts';
import { broken, type Fields, type Finding, judged, ok, warning } from './finding.ts';
import type { LedgerFacts } from './ledger-facts.ts';
import { judgeMigrations, judgeShape } from './ledger-shape.ts';
import { isBelow } from './versions.ts';

export interface LedgerPromise {
  /** Connections that this process and those it starts may open. */
  connectionsWanted: number;
  /** True where the migrations run right after this. */
  migrates: boolean;
}

/** A finding for each check, in the order they are told. */
export function judgeLedger(
  { variables, connected, migrations, shape }: LedgerFacts,
  promise: LedgerPromise,
): Finding[] {
  return [
    judged('ledger-version', variables, judgeVersion),
    judged('ledger-session', variables, judgeSession),
    judged('ledger-writable', variables, judgeWritable),
    judged('ledger-flush', variables, judgeFlush),
    judged('ledger-binary-log', variables, judgeBinaryLog),
    judged('ledger-packet', variables, judgePacket),
    judged('ledger-connections', variables, (fields) =>
      judgeLedgerConnections(fields, connected, promise.connectionsWanted),
    ),
    judged('ledger-migrations', migrations, (told) => judgeMigrations(told, promise.migrates)),
    judged('ledger-constraints', shape, (told) => judgeShape(told, promise.migrates)),
  ];
}

function judgeVersion({ version = '0', version_comment = '' }: Fields): Finding {
  const check = 'ledger-version';
  const isMaria = /mariadb/i.test(`${version} ${version_comment}`);
  const found = `${isMaria ? 'MariaDB' : 'MySQL'} ${version}`;
  const remedy = 'run MariaDB 10.11 or MySQL 8.4, or newer';
  if (isMaria ? isBelow(version, '10.11.0') : isBelow(version, '8.0.16')) {
    const means = isMaria
      ? 'Sluice was never tested on it'
      : 'it ignores CHECK constraints, so that more units than the stock could be issued';
    return broken(check, { found, means, remedy });
  }
  if (isMaria || !isBelow(version, '8.4.0')) return ok(check, found);
  return warning(check, { found, means: 'MySQL before 8.4 gets no more fixes', remedy });
}

/** The session is set up by us; a proxy between may hand us one that is not. */
function judgeSession(fields: Fields): Finding {
  const check = 'ledger-session';
  const isolation = fields.transaction_isolation ?? fields.tx_isolation ?? '?';
  const wanted: [string, boolean][] = [
    [`sql_mode ${fields.sql_mode}`, /STRICT_(ALL|TRANS)_TABLES/.test(fields.sql_mode ?? '')],
    [`isolation ${isolation}`, isolation === 'READ-COMMITTED'],
    [`foreign_key_checks ${fields.foreign_key_checks}`, fields.foreign_key_checks === 'ON'],
    [`unique_checks ${fields.unique_checks}`, fields.unique_checks === 'ON'],
    [`check_constraint_checks ${fields.check_constraint_checks}`, fields.check_constraint_checks !== 'OFF'],
    [`autocommit ${fields.autocommit}`, fields.autocommit === 'ON'],
  ];
  const wrong = wanted.filter(([, holds]) => !holds).map(([text]) => text);
  if (wrong.length === 0) return ok(check, `strict, ${isolation}, keys and constraints are checked`);
  return broken(check, {
    found: wrong.join(', '),
    means:
      'the settings that Sluice makes on its connections do not last: the database may cut values short and skip constraints',
    remedy:
      'make the proxy in front of the database keep session variables (in ProxySQL: no multiplexing for this user), and leave init_connect empty',
  });
}

function judgeWritable(fields: Fields): Finding {
  const check = 'ledger-writable';
  const names = ['read_only', 'super_read_only', 'innodb_read_only', 'transaction_read_only', 'tx_read_only'];
  const locked = names.filter((name) => !['OFF', '0', undefined].includes(fields[name]));
  if (locked.length === 0) return ok(check, 'read_only OFF');
  return broken(check, {
    found: locked.map((name) => `${name} ${fields[name]}`).join(', '),
    means: 'no ticket can be issued; this database is a replica, or an operator made it read-only',
    remedy: 'point DATABASE_URL at the primary, or SET GLOBAL read_only = OFF if this is the primary',
  });
}

function judgeFlush({ innodb_flush_log_at_trx_commit: flush = '?' }: Fields): Finding {
  const found = `innodb_flush_log_at_trx_commit ${flush}`;
  if (flush === '1') return ok('ledger-flush', found);
  return broken('ledger-flush', {
    found,
    means: 'a power cut loses issuances whose tickets Redis has already forgotten as settled',
    remedy: 'SET GLOBAL innodb_flush_log_at_trx_commit = 1, and the same in my.cnf',
  });
}

function judgeBinaryLog({ log_bin: log = 'OFF', sync_binlog: sync = '?' }: Fields): Finding {
  const found = log === 'ON' ? `log_bin ON, sync_binlog ${sync}` : 'no binary log';
  if (log !== 'ON' || sync === '1') return ok('ledger-binary-log', found);
  return warning('ledger-binary-log', {
    found,
    means: "after a power cut replicas may lack what the primary has (MariaDB's default is 0)",
    remedy: 'SET GLOBAL sync_binlog = 1, and the same in my.cnf',
  });
}

function judgePacket({ max_allowed_packet: bytes = '0' }: Fields): Finding {
  const found = `max_allowed_packet ${bytes} bytes`;
  if (Number(bytes) >= limits.batchBytesMax) return ok('ledger-packet', found);
  return warning('ledger-packet', {
    found,
    means: `a full batch may need ${limits.batchBytesMax} bytes; the database refuses it, and workers must split every such batch`,
    remedy: 'SET GLOBAL max_allowed_packet = 16777216, and the same in my.cnf',
  });
}
