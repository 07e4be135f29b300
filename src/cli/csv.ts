// CSV as RFC 4180 has it, and nothing else: a comma, double quotes, LF or CRLF.

export interface CsvRecord {
  /** In which it begins, from 1. */
  line: number;
  fields: string[];
  /** Why it cannot be read. */
  problem?: string;
}

/** The records of a text; empty lines are none. A byte order mark is dropped. */
export function readCsv(text: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let at = text.startsWith('\ufeff') ? 1 : 0;
  for (let line = 1; at < text.length; ) {
    const { record, end } = readRecord(text, at, line);
    if (record.fields.length > 1 || record.fields[0] !== '' || record.problem !== undefined) records.push(record);
    line += text.slice(at, end).split('\n').length - 1;
    at = end;
  }
  return records;
}

/** A field in quotes, or one without any, and what ends it. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;

function readRecord(text: string, from: number, line: number): { record: CsvRecord; end: number } {
  const fields: string[] = [];
  FIELD.lastIndex = from;
  for (;;) {
    const found = FIELD.exec(text);
    if (found === null) {
      const end = text.indexOf('\n', from) + 1 || text.length;
      const problem = 'a double quote must stand around the whole field, and twice within it';
      return { record: { line, fields, problem }, end };
    }
    const [, quoted, plain = '', ending] = found;
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (ending !== ',') return { record: { line, fields }, end: FIELD.lastIndex };
  }
}
