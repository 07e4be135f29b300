// The setting that lets workers redrive dead letters: `reason:seconds:times`, more after commas.
import { z } from 'zod';
import type { AutoRedrivePolicy } from '../domain/auto-redrive.ts';

const POLICY = /^([a-z][a-z0-9-]{0,63}):(\d{1,6}):(\d{1,2})$/;
const TAKES =
  'takes reason:seconds:times, more after commas: rejected:300:3 redrives a letter of that reason 300 s after it was kept, at most 3 times (1–86,400 s, 1–10 times, each reason once)';

const parsed = (text: string): AutoRedrivePolicy[] | undefined => {
  const policies = text.split(',').map((part) => POLICY.exec(part.trim()));
  const read = policies.flatMap((found) =>
    found === null ? [] : [{ reason: found[1]!, afterMs: Number(found[2]) * 1_000, redrivesMax: Number(found[3]) }],
  );
  const isWithin = ({ afterMs, redrivesMax }: AutoRedrivePolicy) =>
    afterMs >= 1_000 && afterMs <= 86_400_000 && redrivesMax >= 1 && redrivesMax <= 10;
  const isWhole = read.length === policies.length && read.every(isWithin);
  return isWhole && new Set(read.map(({ reason }) => reason)).size === read.length ? read : undefined;
};

export const autoRedrive = z
  .string()
  .refine((text) => parsed(text) !== undefined, TAKES)
  .transform((text) => parsed(text) ?? []);
