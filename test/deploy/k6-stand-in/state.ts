interface State {
  iteration: number;
  /** Names of checks that did not hold. */
  broken: string[];
  samples: Record<string, unknown[]>;
}

/** Of this run; `run.ts` makes it. */
export const state = (): State => (globalThis as unknown as { k6StandIn: State }).k6StandIn;
