export interface Sample {
  value: number;
  tags: Record<string, string>;
}

interface State {
  iteration: number;
  /** When the scenario began, ms since 1970. */
  startTime: number;
  /** Names of checks that did not hold, and requests that were answered with a status that was not declared. */
  broken: string[];
  samples: Record<string, Sample[]>;
}

/** Of this run; `run.ts` makes it. */
export const state = (): State => (globalThis as unknown as { k6StandIn: State }).k6StandIn;

/** Adds a sample to a metric. */
export function sampled(name: string, value: number, tags: Record<string, string> = {}): void {
  const { samples } = state();
  samples[name] ??= [];
  samples[name].push({ value, tags });
}
