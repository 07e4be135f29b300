// What a run needs to know, from -e NAME=value; everything else is in the shape.
import { scaled } from '../shapes/scaled.ts';
import { SHAPES, shapeOf } from '../shapes/shapes.ts';

const set = (name: string): string | undefined => {
  const text = __ENV[name]?.trim();
  return text === '' ? undefined : text;
};

function factor(name: string): number {
  const text = set(name);
  if (text === undefined) return 1;
  if (!/^\d{1,2}(\.\d{1,6})?$/.test(text)) throw new Error(`${name} takes a number such as 0.5`);
  return Number(text);
}

const full = shapeOf(set('SHAPE') ?? '');
if (full === undefined) throw new Error(`SHAPE takes one of ${SHAPES.map(({ name }) => name).join(', ')}`);

const adminToken = set('ADMIN_TOKEN');
if (adminToken === undefined) {
  throw new Error('ADMIN_TOKEN is missing: k6 run -e ADMIN_TOKEN=… (npx sluice token prints it)');
}

const size = { scale: factor('SCALE'), length: factor('LENGTH') };

export const settings = {
  url: set('BASE_URL') ?? 'http://127.0.0.1:8080',
  adminUrl: set('ADMIN_URL') ?? 'http://127.0.0.1:8081',
  adminToken,
  /** A gateway's secret, for a service in the production profile. */
  gatewaySecret: set('GATEWAY_SECRET'),
  size,
  shape: scaled(full, size),
  /** How long a buyer stays, and how long the tickets may take after the last one. */
  patienceMs: 60_000,
  /** Folder for the summary as JSON and Markdown; it must be there. Without it the summary is printed only. */
  out: set('OUT'),
};
