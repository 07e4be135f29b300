// Whether a process may receive traffic, as `/readyz` of every kind of process tells it, and what a worker reports.

export interface Readiness {
  /** Why the process may not receive traffic, as slugs (`draining`, `stream-read-stale:spring-sale`); empty when it may. */
  reasons: readonly string[];
  /** What is wrong while traffic is still welcome, as slugs. */
  warnings: readonly string[];
}

/** The body of `/readyz`; its status is 200 when `ready`, else 503. */
export const readinessBody = ({ reasons, warnings }: Readiness) => ({ ready: reasons.length === 0, reasons, warnings });

/** A worker that has reported to Redis. */
export interface WorkerReport {
  name: string;
  /** Ms since its newest report, by Redis's clock. */
  silentMs: number;
  /** Why it was not ready then; empty when it was. */
  reasons: readonly string[];
}
