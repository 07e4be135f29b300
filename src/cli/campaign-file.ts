// A file of new campaigns: CSV with a header, or a JSON object a line. The fields are those of POST /admin/campaigns.
import { SETTINGS } from '../domain/campaign-settings.ts';
import { CAMPAIGN_ID_RULE, isCampaignId } from '../domain/ids.ts';
import { readCsv } from './csv.ts';
import type { Item } from './many.ts';
import { OPTIONS } from './options.ts';

export const FILE_KINDS = ['.csv', '.jsonl'] as const;

const FIELDS: readonly string[] = ['id', ...SETTINGS.map(({ name }) => name)];

type Line = Pick<Item, 'problem'> & { line: number; fields: Record<string, unknown> };

/** An item a line, a dry run or not; a text says why the file as a whole is none. */
export function readCampaigns(name: string, text: string, dryRun: boolean): Item[] | string {
  const lines = name.endsWith('.csv') ? fromCsv(text) : fromJson(text);
  if (typeof lines === 'string') return lines;
  const firstLines = new Map<string, number>();
  return lines.map(({ line, fields, problem }) => {
    const id = typeof fields.id === 'string' ? fields.id : '';
    const first = firstLines.get(id);
    firstLines.set(id, first ?? line);
    const why = problem ?? problemOf(fields) ?? (first === undefined ? undefined : `line ${first} has the same id`);
    if (why !== undefined) return { line, id, problem: why };
    return { line, id, request: { method: 'POST', path: '/admin/campaigns', body: { ...fields, dryRun } } };
  });
}

function problemOf(fields: Record<string, unknown>): string | undefined {
  const unknown = Object.keys(fields).filter((name) => !FIELDS.includes(name));
  if (unknown.length > 0) return `unknown fields: ${unknown.join(', ')}`;
  if (typeof fields.id !== 'string') return 'id is missing';
  if (!isCampaignId(fields.id)) return `id takes ${CAMPAIGN_ID_RULE}`;
  return fields.stock === undefined ? 'stock is missing' : undefined;
}

function fromJson(text: string): Line[] {
  return text.split('\n').flatMap((json, index) => {
    const line = index + 1;
    if (json.trim() === '') return [];
    try {
      const value: unknown = JSON.parse(json);
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return [{ line, fields: { ...value } }];
    } catch {
      // The same problem as with JSON that is not an object.
    }
    return [{ line, fields: {}, problem: 'it is not a JSON object' }];
  });
}

function fromCsv(text: string): Line[] | string {
  const [header, ...records] = readCsv(text);
  const names = header?.fields ?? [];
  const problems = [
    ...(header?.problem === undefined ? [] : [header.problem]),
    ...names.filter((name) => !FIELDS.includes(name)).map((name) => `unknown column ${JSON.stringify(name)}`),
    ...names.filter((name, at) => names.indexOf(name) !== at).map((name) => `column ${name} is there twice`),
    ...['id', 'stock'].filter((name) => !names.includes(name)).map((name) => `column ${name} is missing`),
  ];
  if (problems.length > 0) return `${problems.join('; ')}. The header takes ${FIELDS.join(', ')}.`;
  return records.map(({ line, fields: cells, problem }) => {
    if (problem !== undefined) return { line, fields: {}, problem };
    const given = names.flatMap((name, at): [string, string][] => (cells[at] ? [[name, cells[at]]] : []));
    const fields = Object.fromEntries(given.map(([name, cell]) => [name, cellValue(name, cell)]));
    const wrong = given.filter(([name]) => fields[name] === undefined).map(([name, cell]) => expectedOf(name, cell));
    const short = cells.length === names.length ? [] : [`${cells.length} fields under ${names.length} columns`];
    const all = [...short, ...wrong];
    return { line, fields, ...(all.length > 0 && { problem: all.join('; ') }) };
  });
}

/** As the command line reads the option of that setting; undefined for what it does not take. */
function cellValue(name: string, cell: string): unknown {
  const setting = SETTINGS.find((one) => one.name === name);
  return setting === undefined ? cell : OPTIONS[setting.option].read(cell);
}

function expectedOf(name: string, cell: string): string {
  const { option } = SETTINGS.find((one) => one.name === name)!;
  return `${name} takes ${OPTIONS[option].expected}, not ${JSON.stringify(cell)}`;
}
