// The ledger's own statements, as SQLite takes them: what differs is spelling. A statement that this does not know how to
// spell fails loudly at the database.

/** The statements that one of MySQL's becomes; none for what SQLite has no need of. */
export function spell(sql: string): string[] {
  const text = sql.trim();
  if (/^SET SESSION/i.test(text) || /^(select|do) (get_lock|release_lock)/i.test(text)) return [];
  if (/^create table/i.test(text)) return [spellTable(text)];
  if (/^alter table/i.test(text)) return spellAlteration(text);
  return [spellStatement(text)];
}

/** Whether it locks what it finds until its transaction ends. */
export const locks = (sql: string): boolean => /\bfor (update|share)\b|\block in share mode\b/i.test(sql);

export const writes = (sql: string): boolean => /^(insert|update|delete|replace)\b/i.test(sql.trim());

function spellStatement(sql: string): string {
  return sql
    .replaceAll(/\s+force index \(primary\)/gi, '')
    .replaceAll(/\s+(for (update|share)( skip locked| nowait)?|lock in share mode)\b/gi, '')
    .replaceAll(/current_timestamp\(\d\) - interval \? microsecond/gi, 'now_ms() - ? / 1000')
    .replaceAll(/timestampdiff\(microsecond, (`?\w+`?), current_timestamp\(\d\)\) \/ 1000/gi, 'now_ms() - $1')
    .replaceAll(/current_timestamp\(\d\)/gi, 'now_ms()');
}

function spellTable(sql: string): string {
  const [, head, body] = /^(create table(?: if not exists)?\s+`?\w+`?\s*)\(([\s\S]*)\)[^)]*$/i.exec(sql) ?? [];
  if (head === undefined || body === undefined) throw new Error(`no table that the model can spell: ${sql}`);
  const counted = /(\w+) bigint unsigned not null auto_increment/i.exec(body)?.[1];
  const lines = partsOf(body).flatMap((part) => {
    if (/^key /i.test(part)) return [];
    const unique = /^unique key (\w+) \((.*)\)$/is.exec(part);
    if (unique !== null) return [`constraint ${unique[1]} unique (${unique[2]})`];
    if (counted !== undefined && part.startsWith(`${counted} `))
      return [`${counted} integer primary key autoincrement`];
    if (counted !== undefined && part === `primary key (${counted})`) return [];
    return [spellColumn(part)];
  });
  return `${head}(${lines.join(', ')})`;
}

const spellColumn = (part: string): string =>
  part
    .replaceAll(/ character set \w+| collate \w+| unsigned/gi, '')
    .replaceAll(/default current_timestamp\(\d\)/gi, 'default (now_ms())');

function spellAlteration(sql: string): string[] {
  const [, table, body] = /^alter table\s+(`?\w+`?)\s+([\s\S]*)$/i.exec(sql) ?? [];
  return partsOf(body ?? '').flatMap((part) =>
    /^add (unique )?key/i.test(part) ? [] : [`alter table ${table} ${spellColumn(part)}`],
  );
}

/** Parts of a list, divided at the commas outside of parentheses. */
function partsOf(body: string): string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const char of body) {
    depth += char === '(' ? 1 : char === ')' ? -1 : 0;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts.map((part) => part.trim().replaceAll(/\s+/g, ' '));
}
