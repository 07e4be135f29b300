// The calculator of a sale: arithmetic alone, so that it answers without a service.
import { parseArgs } from 'node:util';
import { visibleJson } from '../domain/text.ts';
import { table } from './present.ts';
import { type Sale, type Size, sizeOf } from './sizing.ts';
import { counted, whole } from './words.ts';

export const SIZE_USAGE = 'sluice size --buyers N --stock N --minutes N [--json]';

export const SIZE_HELP =
  'How many fronts and workers a sale needs, and how much of Redis and the database: arithmetic over measured figures.';

const MAX = { buyers: 1e9, stock: 1e7, minutes: 1e5 } as const;

/** What it prints, or what is wrong with its arguments. */
export function sizeText(argv: readonly string[]): { text: string } | { problems: string[] } {
  let values: Record<string, string | boolean | undefined>;
  const string = { type: 'string' } as const;
  try {
    const options = { buyers: string, stock: string, minutes: string, json: { type: 'boolean' } } as const;
    ({ values } = parseArgs({ args: [...argv], options }));
  } catch (error) {
    return { problems: [`${(error as Error).message.split('. ')[0]}.`, `Usage: ${SIZE_USAGE}`] };
  }
  const problems: string[] = [];
  const read = (name: keyof Sale): number => {
    const text = String(values[name] ?? '');
    const value = /^\d{1,10}(e\d)?$/.test(text) ? Number(text) : 0;
    if (value < 1 || value > MAX[name])
      problems.push(`--${name} takes a whole number from 1 to ${whole(MAX[name])}, such as 5000 or 1e6.`);
    return value;
  };
  const sale = { buyers: read('buyers'), stock: read('stock'), minutes: read('minutes') };
  if (problems.length > 0) return { problems };
  const size = sizeOf(sale);
  return { text: values.json === true ? `${visibleJson({ ...sale, ...size })}\n` : inWords(sale, size) };
}

function inWords({ buyers, stock, minutes }: Sale, size: Size): string {
  const cores = (value: number) => `${value.toFixed(2)} cores in use at the peak`;
  const rows = [
    [
      'peak',
      `${whole(size.joinsPerSecond)} joins/s, ${whole(size.pollsPerSecond)} polls/s, ${whole(size.ticketsPerSecond)} tickets/s to issue`,
    ],
    ['fronts', `${size.fronts}, each one core and ${whole(size.frontMb)} MB`],
    ['workers', `${size.workers}, each one core and ${whole(size.workerMb)} MB`],
    [
      'redis',
      `${cores(size.redisCores)}, maxmemory ${whole(size.redisMb)} MB, ${counted(size.redisConnections, 'connection')}`,
    ],
    [
      'database',
      `${cores(size.databaseCores)}, buffer ${whole(size.databaseMb)} MB, ${counted(size.databaseConnections, 'connection')}`,
    ],
  ];
  const sale = `${counted(buyers, 'buyer')} for ${counted(stock, 'unit')} within ${counted(minutes, 'minute')}`;
  return `${sale}\n\n${table(rows)}\n${size.notes.map((note) => `- ${note}.\n`).join('')}`;
}
