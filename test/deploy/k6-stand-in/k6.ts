import { state } from './state.ts';

export function check<V>(value: V, checks: Record<string, (value: V) => boolean>): boolean {
  const broken = Object.entries(checks).filter(([, holds]) => !holds(value));
  state().broken.push(...broken.map(([name]) => name));
  return broken.length === 0;
}

export function fail(reason: string): never {
  throw new Error(reason);
}

export const sleep = (seconds: number): void =>
  void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1_000);
