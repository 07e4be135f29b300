import { sampled, state } from './state.ts';

export function check<V>(value: V, checks: Record<string, (value: V) => boolean>): boolean {
  const results = Object.entries(checks).map(([name, holds]) => ({ name, held: holds(value) }));
  for (const { held } of results) sampled('checks', held ? 1 : 0);
  const broken = results.filter(({ held }) => !held).map(({ name }) => name);
  state().broken.push(...broken);
  return broken.length === 0;
}

export function fail(reason: string): never {
  throw new Error(reason);
}

export const sleep = (seconds: number): void =>
  void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1_000);
