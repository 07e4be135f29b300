// Rows of a sale that is over, for what takes long with many of them: one statement writes them all.

/** `user-<unit>` has the unit, by the ticket of the same seq in epoch 1; every `gap`-th unit has no row. */
export function insertOfRows(campaign: string, count: number, gap = count + 1): { sql: string; params: unknown[] } {
  const digit =
    '(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)';
  const digits = String(count).length;
  const from = Array.from({ length: digits }, (_, place) => `${digit} AS d${place}`).join(' CROSS JOIN ');
  const unit = Array.from({ length: digits }, (_, place) => `d${place}.d * ${10 ** place}`).join(' + ');
  const code = `CONCAT(UPPER(LEFT(SHA2(?, 256), 8)), LPAD(unit, 8, '0'))`;
  return {
    sql: `INSERT INTO issuances (campaign, unit, user, seq, epoch, code, admitted_at, last_unit)
      SELECT ?, unit, CONCAT('user-', unit), unit, 1, ${code}, '2026-12-24', (SELECT stock FROM campaigns WHERE id = ?)
      FROM (SELECT ${unit} AS unit FROM ${from}) AS units
      WHERE unit BETWEEN 1 AND ? AND unit MOD ? <> 0 ORDER BY unit`,
    params: [campaign, campaign, campaign, count, gap],
  };
}
