// A line plot as SVG: small enough to read, and needs nothing on the page it stands on.
export interface Line {
  name: string;
  colour: string;
  /** One value for each x of the plot. */
  values: readonly number[];
}

export interface Plot {
  title: string;
  /** What the values are counted in. */
  unit: string;
  /** Seconds since the load began, ascending. */
  xs: readonly number[];
  lines: readonly Line[];
}

const WIDTH = 640;
const HEIGHT = 200;
const LEFT = 56;
const BOTTOM = 24;
const TOP = 28;

export function svgOf({ title, unit, xs, lines }: Plot): string {
  const xMax = Math.max(1, ...xs);
  const yMax = roundUp(Math.max(1, ...lines.flatMap(({ values }) => values)));
  const x = (value: number) => fixed(LEFT + (value / xMax) * (WIDTH - LEFT - 8));
  const y = (value: number) => fixed(HEIGHT - BOTTOM - (value / yMax) * (HEIGHT - BOTTOM - TOP));
  const grid = [0, yMax / 2, yMax].map(
    (value) =>
      `<line x1="${LEFT}" x2="${WIDTH - 8}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>` +
      `<text x="${LEFT - 6}" y="${y(value)}" text-anchor="end" dominant-baseline="middle">${value}</text>`,
  );
  const paths = lines.map(({ colour, values }) => {
    const points = xs.map((at, n) => `${x(at)},${y(values[n] ?? 0)}`).join(' ');
    return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
  });
  const legend = lines.map(
    ({ name, colour }, n) =>
      `<text x="${WIDTH - 8 - n * 110}" y="14" text-anchor="end" fill="${colour}">${escaped(name)}</text>`,
  );
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}" font-family="sans-serif" font-size="11">`,
    `<text x="0" y="14" font-weight="bold">${escaped(`${title}, ${unit}`)}</text>`,
    ...grid,
    `<text x="${LEFT}" y="${HEIGHT - 6}">0 s</text><text x="${WIDTH - 8}" y="${HEIGHT - 6}" text-anchor="end">${xMax} s</text>`,
    ...paths,
    ...legend,
    '</svg>',
  ].join('\n');
}

/** The next of 1, 2, 5, 10, 20, … */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value)!;
}

const fixed = (value: number): string => value.toFixed(1);

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text for HTML and for attributes in double quotes. */
export const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (char) => ENTITIES[char]!);
