import { state } from './state.ts';

class Metric {
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  add(value: unknown, tags?: Record<string, string>): void {
    const samples = state().samples;
    samples[this.name] ??= [];
    samples[this.name]!.push(tags === undefined ? value : tags);
  }
}

export { Metric as Counter, Metric as Rate, Metric as Trend };
