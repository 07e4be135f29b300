// Why a ticket could not be issued: what its dead letter says of it.

export interface Failure {
  /** A stable slug; operators choose letters by it. */
  reason: string;
  /** In words, from whoever refused it. */
  detail: string;
}

/** No unit is left for a ticket whose own unit is somebody else's. */
export const NO_UNIT_LEFT = 'no-unit-left';
/** Its workers died, or stood still, at every attempt. */
export const STALLED = 'stalled';
/** A mistake of Sluice, or a store that answers what nobody expects. */
export const INTERNAL_ERROR = 'internal-error';

/** The reasons that Sluice gives, for the labels of a metric; whatever else a letter has as its reason is `other`. */
export const FAILURE_REASONS = [
  NO_UNIT_LEFT,
  STALLED,
  INTERNAL_ERROR,
  'malformed-entry',
  'malformed',
  'beyond-stock',
  'rejected',
  'code-taken',
  'other',
] as const;

export const failureReasonOf = (reason: string): (typeof FAILURE_REASONS)[number] =>
  FAILURE_REASONS.find((known) => known === reason) ?? 'other';
