// A page of a run: verdicts, bars and plots, in one file that needs no other.
import { escaped, svgOf } from './plot.ts';
import type { ShapeReport } from './report.ts';

const STYLE = `body{font-family:sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.2rem .6rem;text-align:left}
td.number{text-align:right}.broken{color:#b00020;font-weight:bold}svg{width:100%;height:auto;margin:.5rem 0}`;

export function htmlOf(reports: readonly ShapeReport[]): string {
  const first = reports[0]!;
  const title = `Sluice load, ${first.date.slice(0, 10)}`;
  const { machine } = first;
  const where = `${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, Node ${machine.node}`;
  return [
    '<!doctype html>',
    `<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<h1>${escaped(title)}</h1><p>${escaped(where)}, SCALE ${first.scale}, LENGTH ${first.length}</p>`,
    ...reports.map(sectionOf),
    '</html>',
    '',
  ].join('\n');
}

function sectionOf(report: ShapeReport): string {
  const { shape, asks, passed, bars, seconds } = report;
  const xs = seconds.map(({ second }) => second);
  const of = (name: 'accepted' | 'refused' | 'failed' | 'joinP50Ms' | 'joinP99Ms') => seconds.map((one) => one[name]);
  const lines = [
    { name: 'accepted', colour: '#1b7f3b', values: of('accepted') },
    { name: 'refused', colour: '#8a6d00', values: of('refused') },
    { name: 'failed', colour: '#b00020', values: of('failed') },
  ];
  const times = [
    { name: 'p50', colour: '#1b5fa8', values: of('joinP50Ms') },
    { name: 'p99', colour: '#7a3ea8', values: of('joinP99Ms') },
  ];
  const rows = bars.map(
    ({ meaning, atMost, value, held }) =>
      `<tr><td>${escaped(meaning)}</td><td class="number">${atMost}</td><td class="number">${value}</td>` +
      `<td${held === false ? ' class="broken"' : ''}>${held === undefined ? 'not judged' : held ? 'held' : 'broken'}</td></tr>`,
  );
  return [
    `<h2>${escaped(shape)}: <span${passed ? '' : ' class="broken"'}>${passed ? 'passed' : 'failed'}</span></h2><p>${escaped(asks)}</p>`,
    svgOf({ title: 'Joins by the second they were due', unit: 'per second', xs, lines }),
    svgOf({ title: 'Time of a join', unit: 'ms', xs, lines: times }),
    `<table><tr><th>bar</th><th>at most</th><th>measured</th><th></th></tr>${rows.join('')}</table>`,
  ].join('\n');
}
