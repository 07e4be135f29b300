// What a scrape is answered: the numbers of this process as text, in the format of Prometheus or, for a scraper that asks
// for it, of OpenMetrics 1.0, which has exemplars.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { exemplarTexts, histogramProducer } from './histograms.ts';

export interface Scrape {
  /** For the SDK. */
  reader: PrometheusExporter;
  answer: (request: IncomingMessage, response: ServerResponse) => void;
}

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export function createScrape(): Scrape {
  const reader = new PrometheusExporter({ preventServerStart: true, metricProducers: [histogramProducer] });
  // The scope is the same of all of them: a label that says nothing, on every line.
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);
  return {
    reader,
    answer(request, response) {
      const isOpen = request.headers.accept?.includes('application/openmetrics-text') === true;
      void reader.collect().then(
        ({ resourceMetrics }) => {
          const text = serializer.serialize(resourceMetrics);
          response
            .writeHead(200, { 'content-type': isOpen ? OPEN_METRICS : TEXT })
            .end(isOpen ? toOpenMetrics(text, exemplarTexts()) : text);
        },
        // A scraper takes this for a failed scrape, which is an alert.
        (error: unknown) => response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error)),
      );
    },
  };
}

/**
 * The text in the other format: a counter's family is named without `_total`, a unit stands only where the name ends in
 * it, no line is empty, and the text has an end. `exemplars` by the beginnings of the lines that they belong to.
 */
export function toOpenMetrics(text: string, exemplars: ReadonlyMap<string, string>): string {
  const lines = text.split('\n').flatMap((line) => {
    if (line === '' || line.startsWith('# UNIT ')) return [];
    if (line.startsWith('#')) return [line.replace(/^# (HELP|TYPE) (\w+)_total /, '# $1 $2 ')];
    const exemplar = line.includes('_bucket{') ? exemplars.get(line.slice(0, line.lastIndexOf(' ') + 1)) : undefined;
    return [exemplar === undefined ? line : line + exemplar];
  });
  return `${lines.join('\n')}\n# EOF\n`;
}
