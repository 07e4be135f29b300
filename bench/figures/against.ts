// This code against that of another checkout, each with stores of its own, in alternating rounds: what a change costs, told
// apart from what the machine does meanwhile.
import type { Context, Figure } from '../figure.ts';
import { alternate, type Contender } from '../rounds.ts';
import type { Stand } from '../stand.ts';
import { drainSluice } from './drain.ts';
import { joinSluice } from './joins.ts';
import { pollSluice } from './polls.ts';
import { refuseSluice } from './refusals.ts';

/** What may be lost without a word. */
const LOSS_MAX = 0.05;

/** `there` is where the other checkout is measured. */
export function against(there: Stand): Figure[] {
  const figure = (name: string, unit: string, contender: (context: Context) => Contender, cpu: string[]): Figure => ({
    name,
    ratios: [
      {
        text: `${unit}/s ÷ the other checkout's`,
        bar: { atLeast: 1 - LOSS_MAX },
        over: 'here.ratePerSecond',
        under: 'there.ratePerSecond',
      },
      ...cpu.map((process) => ({
        text: `${process} CPU per operation ÷ the other checkout's`,
        bar: { atMost: 1 + LOSS_MAX },
        over: `here.${process}CpuUs` as const,
        under: `there.${process}CpuUs` as const,
      })),
    ],
    measure: (context) =>
      alternate(context, [
        { ...contender(context), name: 'here' },
        { ...contender({ ...context, stand: there }), name: 'there' },
      ]),
  });
  return [
    figure('joins', 'joins', joinSluice, ['front', 'redis']),
    figure('refusals', 'sold-out refusals', refuseSluice, ['front']),
    figure('polls', 'polls of waiting tickets', (context) => pollSluice(context), ['front']),
    figure('drain', 'tickets drained', drainSluice, ['worker', 'redis', 'database']),
  ];
}
