// The command line of `npm run faults`.
import { parseArgs } from 'node:util';
import type { FaultCase } from './case.ts';

export const USAGE = `Usage: npm run faults -- [--all | --quick | --list | NUMBER…] [--seed TEXT]

  NUMBER…    the cases of these catalogue numbers, also those that await something
  --all      every case that does not await something that is not built yet
  --quick    the short selection that npm test runs (the default)
  --list     what there is, and what is not covered and why
  --seed     makes the choices of an earlier run again; every run prints its own`;

export interface Arguments {
  list: boolean;
  seed: string;
  /** Whether a case is to be run. */
  chosen: (one: FaultCase) => boolean;
}

/** Throws on what it does not understand. */
export function readArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      seed: { type: 'string' },
    },
  });
  const numbers = positionals.map(Number);
  if (numbers.some((number) => !Number.isInteger(number) || number < 1 || number > 87)) {
    throw new Error(`not a catalogue number: ${positionals.join(' ')}`);
  }
  const named = new Set(numbers);
  return {
    list: values.list,
    seed: values.seed ?? Math.random().toString(36).slice(2, 10),
    chosen: (one) => {
      if (named.size > 0) return one.numbers.some((number) => named.has(number));
      if (one.awaits !== undefined) return false;
      return values.all || one.quick === true;
    },
  };
}
