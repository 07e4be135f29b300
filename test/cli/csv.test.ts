import { expect, test } from 'vitest';
import { readCsv } from '../../src/cli/csv.ts';

const fieldsOf = (text: string) => readCsv(text).map(({ fields, problem }) => problem ?? fields);

test.for<[string, string, string[][]]>([
  [
    'LF',
    'a,b\n1,2\n',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  [
    'CRLF and no end of the last line',
    'a,b\r\n1,2',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  ['a byte order mark', '\ufeffa,b\n', [['a', 'b']]],
  [
    'quotes, commas and line ends within quotes',
    '"a,1","say ""hi""","two\r\nlines"\n',
    [['a,1', 'say "hi"', 'two\r\nlines']],
  ],
  ['empty fields', ',"",\n', [['', '', '']]],
  ['empty lines', '\n\na\n\nb\n', [['a'], ['b']]],
  ['nothing', '', []],
])('%s is read', ([, text, records]) => {
  expect(fieldsOf(text)).toEqual(records);
});

test.for(['a"b,c', '"a"b,c', '"never closed,c', 'a,"b" ,c'])('%s is no record, and the next one is read', (line) => {
  const records = readCsv(`id,name\n${line}\nx,y\n`);
  expect(records.map(({ line: at }) => at)).toEqual([1, 2, 3]);
  expect(records[1]!.problem).toContain('double quote');
  expect(records[2]!.fields).toEqual(['x', 'y']);
});

test('a record is named by the line in which it begins', () => {
  expect(readCsv('a\n"two\nlines"\n\nb\n').map(({ line }) => line)).toEqual([1, 2, 5]);
});
