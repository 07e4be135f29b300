import { sampled } from './state.ts';

class Metric {
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  add(value: number, tags?: Record<string, string>): void {
    sampled(this.name, value, tags);
  }
}

export { Metric as Counter, Metric as Gauge, Metric as Trend };
