// Whether the tables are those of this version, with the constraints that make over-issuing impossible. Pure.
import { broken, type Finding, ok, warning } from './finding.ts';
import type { IssuancesShape } from './ledger-facts.ts';

/** What P1 rests on; a row of it gone, and only the code stands between a bug and one unit sold twice. */
const UNIQUE_KEYS = ['campaign,unit', 'campaign,user', 'code'];
const FOREIGN_KEY = 'campaign,last_unit -> tranches(campaign,last_unit)';
const CHECK = 'unit between 1 and last_unit';

export function judgeMigrations(
  { executed, known }: { executed: readonly string[]; known: readonly string[] },
  migrates: boolean,
): Finding {
  const check = 'ledger-migrations';
  const pending = known.filter((name) => !executed.includes(name));
  const foreign = executed.filter((name) => !known.includes(name));
  if (pending.length > 0 && executed.length === 0 && !migrates) {
    return broken(check, {
      found: 'the database has no Sluice tables yet',
      means: 'no front has started on this database',
      remedy:
        'start a front of this version on this database, which makes the tables; or put another database into DATABASE_URL',
    });
  }
  if (pending.length > 0) {
    const found = `${pending.join(', ')} not applied`;
    if (migrates) return ok(check, `${found} yet; this start applies them`);
    return broken(check, {
      found,
      means: 'tables or columns that this version needs are missing',
      remedy: 'start a front of this version on this database, which applies them; then start this process again',
    });
  }
  if (foreign.length === 0) return ok(check, `all ${known.length} applied`);
  return warning(check, {
    found: `${foreign.join(', ')} applied, and unknown to this version`,
    means: 'a newer version of Sluice has changed this database',
    remedy: 'finish the upgrade, or check that this older version may run beside the newer one',
  });
}

export function judgeShape({ exists, uniqueKeys, foreignKeys, checks }: IssuancesShape, migrates: boolean): Finding {
  const check = 'ledger-constraints';
  if (!exists) {
    if (migrates) return ok(check, 'this start makes the table issuances');
    const means = 'there is no ledger in this database';
    return broken(check, {
      found: 'no table issuances',
      means,
      remedy: 'check DATABASE_URL, then start a front on it',
    });
  }
  const bounds = checks.filter(({ clause, enforced }) => enforced && clause.includes('last_unit'));
  const missing = [
    ...UNIQUE_KEYS.filter((key) => !uniqueKeys.includes(key)).map((key) => `UNIQUE (${key.replaceAll(',', ', ')})`),
    ...(foreignKeys.includes(FOREIGN_KEY) ? [] : [`FOREIGN KEY (${FOREIGN_KEY})`]),
    ...(bounds.length > 0 ? [] : [`CHECK (${CHECK})`]),
  ];
  if (missing.length > 0) {
    return broken(check, {
      found: `issuances has no ${missing.join(', no ')}`,
      means: 'the schema no longer makes it impossible to issue a unit twice or beyond the stock',
      remedy:
        'put them back with ALTER TABLE issuances ADD …, as src/ledger/migrations says; the database then names the rows that violate them',
    });
  }
  if (bounds.some(({ clause }) => plain(clause) === plain(CHECK)))
    return ok(check, 'keys, CHECK and FOREIGN KEY of issuances are there');
  return warning(check, {
    found: `CHECK (${bounds.map(({ clause }) => clause).join('), CHECK (')})`,
    means: `it should say ${CHECK}`,
    remedy: 'compare it with src/ledger/migrations',
  });
}

/** Servers write a clause down with quotes and brackets of their own. */
const plain = (clause: string): string => clause.toLowerCase().replaceAll(/[`()\s]/g, '');
