// The metrics that k6 does not have by itself.
import { Counter, Gauge, Trend } from 'k6/metrics';
import type { Figure } from '../shapes/shape.ts';

/** Joins by decision. */
export const decisions = new Counter('sluice_decisions');
/** From the answer of a join until its buyer read `issued`, ms. */
export const heard = new Trend('sluice_join_to_issued', true);

/** What is counted once, when the campaign is judged. */
export const JUDGED = ['lost', 'overIssued', 'deadLetters', 'unsold', 'issuedAfterMs'] as const satisfies Figure[];
export type Judged = (typeof JUDGED)[number];

/** `sluice_over_issued` of `overIssued`. */
export const judgedName = (figure: Judged): string =>
  `sluice_${figure.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;

export const judged = Object.fromEntries(JUDGED.map((figure) => [figure, new Gauge(judgedName(figure))])) as Record<
  Judged,
  Gauge
>;
