// Dashboards of Grafana from the panels, by Grafana's own SDK; Grafana itself is not needed for it.
import { DashboardBuilder, DatasourceVariableBuilder, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { Board, Panel } from './panel.ts';

/** Of the 24 columns of a dashboard. */
const NUMBER_SPAN = 6;
const GRAPH_SPAN = 12;
const SOURCE = { type: 'prometheus', uid: `\${datasource}` };

/** The JSON of a dashboard: what provisioning reads, the same for the same panels. */
export function dashboardOf({ id, title, rows }: Board): string {
  const builder = new DashboardBuilder(title)
    .uid(id)
    .tags(['sluice'])
    .refresh('10s')
    .time({ from: 'now-30m', to: 'now' })
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'));
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) builder.withPanel(panelOf(panel));
  }
  return `${JSON.stringify(builder.build(), null, 2)}\n`;
}

function panelOf({ title, description, unit, queries, isNumber }: Panel) {
  const panel = isNumber
    ? new StatBuilder().span(NUMBER_SPAN).height(4)
    : new TimeseriesBuilder().span(GRAPH_SPAN).height(8).min(0);
  panel.title(title).description(description).unit(unit).datasource(SOURCE);
  for (const { expr, legend } of queries) {
    const isHistogram = expr.includes('histogram_quantile');
    panel.withTarget(new DataqueryBuilder().expr(expr).legendFormat(legend).exemplar(isHistogram));
  }
  return panel;
}
