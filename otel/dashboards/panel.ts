// What a panel is made of.

export interface Panel {
  title: string;
  /** What a person sees in it, and from which value on it matters. */
  description: string;
  /** A unit of Grafana: `s`, `percentunit`, `bytes`, `reqps`, `short`. */
  unit: string;
  queries: readonly { expr: string; legend: string }[];
  /** One number instead of a graph. */
  isNumber?: boolean;
}

export interface Board {
  /** Of its file and its address. */
  id: string;
  title: string;
  rows: readonly { title: string; panels: readonly Panel[] }[];
}

export const JOIN = 'http_route="/v1/campaigns/{id}/tickets"';
export const rate = (metric: string) => `rate(${metric}[$__rate_interval])`;
export const p = (share: string, metric: string, by = '') =>
  `histogram_quantile(${share}, sum by (le${by}) (${rate(`${metric}_bucket`)}))`;

export const graph = (
  title: string,
  unit: string,
  description: string,
  ...queries: [expr: string, legend: string][]
): Panel => ({
  title,
  unit,
  description,
  queries: queries.map(([expr, legend]) => ({ expr, legend })),
});

export const number = (...panel: Parameters<typeof graph>): Panel => ({ ...graph(...panel), isNumber: true });

/** What Grafana puts in place of this depends on the width of a graph and on the scrape interval. */
export const atRest = (expr: string): string => expr.replaceAll('$__rate_interval', '1m');
