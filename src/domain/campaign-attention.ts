// What an operator of many campaigns looks at first, and the order of the list that follows from it.
import type { Phase } from './campaign.ts';

/** Why a campaign needs an operator, the most urgent first. */
export const ATTENTIONS = {
  'gate-closed': 'its gate is missing, not verified or out of reach, so that joins are refused',
  'dead-letters': 'it has kept dead letters, which only an operator can redrive or discard',
  backlog: 'its oldest ticket has waited for more than a minute to be issued',
} as const;

export type Attention = keyof typeof ATTENTIONS;

/** In the order of the list. */
export const PHASES = ['open', 'scheduled', 'paused', 'sold-out', 'ended'] as const satisfies readonly Phase[];

/** A place in the list: smaller comes first, entry by entry; the id, which is last, is in no other place. */
export type ListPlace = readonly [attention: number, phase: number, opensAt: number, id: string];

/** First what needs an operator, then by phase, what opens next before what opens later, then by id. */
export function placeInList(id: string, attention: Attention | null, phase: Phase, opensAt: number | null): ListPlace {
  const order = Object.keys(ATTENTIONS);
  return [
    attention === null ? order.length : order.indexOf(attention),
    PHASES.indexOf(phase),
    phase === 'scheduled' ? (opensAt ?? 0) : 0,
    id,
  ];
}

export function comparePlaces(a: ListPlace, b: ListPlace): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  if (at < 0) return 0;
  return a[at]! < b[at]! ? -1 : 1;
}
