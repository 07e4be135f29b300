// A dashboard as one SVG: its panels in two columns, each with the lines of a run.
import { escaped, PLOT_WIDTH, plotHeight, svgOf } from '../../src/load/plot.ts';

export interface DrawnPanel {
  title: string;
  /** A unit of Grafana. */
  unit: string;
  isNumber: boolean;
  /** s since the run began. */
  xs: readonly number[];
  lines: readonly { name: string; values: readonly (number | undefined)[] }[];
}

const COLOURS = [
  '#1b5fa8',
  '#b00020',
  '#1b7f3b',
  '#8a6d00',
  '#7a3ea8',
  '#00808a',
  '#a8501b',
  '#555555',
  '#d4007a',
  '#0a3d2e',
  '#c99700',
  '#4b6bdb',
];
const UNITS: Readonly<Record<string, string>> = {
  percentunit: 'share',
  reqps: 'per second',
  short: '',
  bytes: 'bytes',
};
const GAP = 24;
const HEADER = 40;

export function drawBoard(title: string, panels: readonly DrawnPanel[]): string {
  let top = HEADER;
  const drawn: string[] = [];
  for (let n = 0; n < panels.length; n += 2) {
    const row = panels.slice(n, n + 2).map(plotOf);
    drawn.push(...row.map((plot, column) => svgOf({ ...plot, at: { x: GAP + column * (PLOT_WIDTH + GAP), y: top } })));
    top += Math.max(...row.map(({ lines }) => plotHeight(lines))) + GAP;
  }
  const width = 2 * PLOT_WIDTH + 3 * GAP;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" font-family="sans-serif" role="img" aria-label="${escaped(title)}">`,
    `<rect width="${width}" height="${top}" fill="#fff"/>`,
    `<text x="${GAP}" y="26" font-size="18" font-weight="bold">${escaped(title)}</text>`,
    ...drawn,
    '</svg>',
  ].join('\n');
}

/** A panel of one number is drawn as it went; its last value stands in its title. */
function plotOf({ title, unit, isNumber, xs, lines }: DrawnPanel) {
  const shown = lines.slice(0, COLOURS.length);
  const last = isNumber ? shown[0]?.values.findLast((value) => value !== undefined) : undefined;
  const left = lines.length - shown.length;
  const note = last === undefined ? '' : `: ${Number(last.toPrecision(3))} at the end`;
  return {
    title: left === 0 ? `${title}${note}` : `${title} (${left} lines more)`,
    unit: UNITS[unit] ?? unit,
    xs,
    lines: shown.map(({ name, values }, n) => ({ name, values, colour: COLOURS[n]! })),
  };
}
