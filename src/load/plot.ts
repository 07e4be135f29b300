// A line plot as SVG: small enough to read, and needs nothing on the page it stands on.
export interface Line {
  name: string;
  colour: string;
  /** One value for each x of the plot; undefined where nothing was measured, which leaves a gap. */
  values: readonly (number | undefined)[];
}

export interface Plot {
  title: string;
  /** What the values are counted in; '' for a mere count. */
  unit: string;
  /** Seconds since the load began, ascending. */
  xs: readonly number[];
  lines: readonly Line[];
  /** Where it stands in a picture of several; the plot is the picture when absent. */
  at?: { x: number; y: number };
}

export const PLOT_WIDTH = 640;
const HEIGHT = 200;
const LEFT = 56;
const RIGHT = 8;
const BOTTOM = 24;
const TOP = 28;
const LEGEND_ROW = 16;
/** Of text in the size that is used here. */
const CHARACTER_WIDTH = 6;

export function svgOf({ title, unit, xs, lines, at }: Plot): string {
  const xMax = Math.max(1, ...xs);
  const yMax = roundUp(Math.max(0, ...lines.flatMap(({ values }) => values.filter((value) => value !== undefined))));
  const x = (value: number) => fixed(LEFT + (value / xMax) * (PLOT_WIDTH - LEFT - RIGHT));
  const y = (value: number) => fixed(HEIGHT - BOTTOM - (value / yMax) * (HEIGHT - BOTTOM - TOP));
  const grid = [0, yMax / 2, yMax].map(
    (value) =>
      `<line x1="${LEFT}" x2="${PLOT_WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>` +
      `<text x="${LEFT - 6}" y="${y(value)}" text-anchor="end" dominant-baseline="middle">${shortOf(value)}</text>`,
  );
  const paths = lines.flatMap(({ colour, values }) =>
    unbroken(xs, values).map((points) => {
      const text = points.map((point) => `${x(point.x)},${y(point.y)}`).join(' ');
      return `<polyline points="${text}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
    }),
  );
  const legend = legendOf(lines);
  const height = plotHeight(lines);
  const place = at === undefined ? '' : ` x="${at.x}" y="${at.y}" width="${PLOT_WIDTH}" height="${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg"${place} viewBox="0 0 ${PLOT_WIDTH} ${height}" role="img" aria-label="${escaped(title)}" font-family="sans-serif" font-size="11">`,
    `<text x="0" y="14" font-weight="bold">${escaped(unit === '' ? title : `${title}, ${unit}`)}</text>`,
    ...grid,
    `<text x="${LEFT}" y="${HEIGHT - 6}">0 s</text><text x="${PLOT_WIDTH - RIGHT}" y="${HEIGHT - 6}" text-anchor="end">${xMax} s</text>`,
    ...paths,
    ...legend.map(({ line, x: left, row }) => {
      const baseline = HEIGHT + row * LEGEND_ROW + 8;
      return `<text x="${left}" y="${baseline}" fill="${line.colour}">${escaped(line.name)}</text>`;
    }),
    '</svg>',
  ].join('\n');
}

/** With its legend. */
export function plotHeight(lines: readonly Line[]): number {
  return HEIGHT + (1 + Math.max(-1, ...legendOf(lines).map(({ row }) => row))) * LEGEND_ROW;
}

/** The names below the plot, as many to a row as it is wide. */
function legendOf(lines: readonly Line[]): { line: Line; x: number; row: number }[] {
  let x = LEFT;
  let row = 0;
  return lines.map((line) => {
    const width = (line.name.length + 3) * CHARACTER_WIDTH;
    if (x > LEFT && x + width > PLOT_WIDTH) {
      x = LEFT;
      row += 1;
    }
    const placed = { line, x, row };
    x += width;
    return placed;
  });
}

/** The stretches of a line without a gap. */
function unbroken(xs: readonly number[], values: Line['values']): { x: number; y: number }[][] {
  const stretches: { x: number; y: number }[][] = [[]];
  for (const [n, x] of xs.entries()) {
    const y = values[n];
    if (y === undefined) stretches.push([]);
    else stretches.at(-1)!.push({ x, y });
  }
  return stretches.filter((points) => points.length > 0);
}

/** The next of 1, 2, 5, 10, 20, … or their tenths, hundredths, …; 1 for nothing. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? 10 * power;
}

const UNITS = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e4, 'k'],
] as const;

/** In at most seven characters. */
function shortOf(value: number): string {
  const [size, letter] = UNITS.find(([least]) => value >= least) ?? [1, ''];
  const divisor = letter === 'k' ? 1_000 : size;
  return `${Number((value / divisor).toPrecision(3))}${letter}`;
}

const fixed = (value: number): string => value.toFixed(1);

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text for HTML and for attributes in double quotes. */
export const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (char) => ENTITIES[char]!);
