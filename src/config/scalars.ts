// Numbers, words and names. What is wrong with one is told without its value, which may be a secret in the wrong place.
import { isIP } from 'node:net';
import { z } from 'zod';

const numberOf = (form: RegExp, min: number, max: number, takes: string) =>
  z
    .string()
    // Number() would also read 0x10, 1e3 and an empty text.
    .refine((text) => form.test(text) && Number(text) >= min && Number(text) <= max, takes)
    .transform(Number);

export const whole = (min: number, max: number) =>
  numberOf(/^\d{1,15}$/, min, max, `takes a whole number from ${min} to ${max}, written in digits only`);

/** A number, or this word. */
export const wholeOr = <const W extends string>(word: W, min: number, max: number) =>
  z.union([z.literal(word), whole(min, max)], {
    error: `takes a whole number from ${min} to ${max}, written in digits only, or ${word}`,
  });

export const share = numberOf(/^(\d+(\.\d+)?|\.\d+)$/, 0, 1, 'takes a number from 0 to 1, such as 0.01');

export const oneOf = <const T extends string>(...words: readonly T[]) =>
  z.enum(words, { error: `takes ${words.slice(0, -1).join(', ')} or ${words.at(-1)}` });

const NAME = /^(?=.{1,253}$)[a-z\d_]([\w-]*\w)?(\.[a-z\d_]([\w-]*\w)?)*\.?$/i;

/** An address or a name, brackets off. A name whose last part is a number is an address that has too many or too few. */
export const host = z
  .string()
  .transform((text) => /^\[(.*)\]$/.exec(text)?.[1] ?? text)
  .refine(
    (text) => isIP(text) !== 0 || (NAME.test(text) && !/(^|\.)\d+\.?$/.test(text)),
    'takes an address or a name without a port: 127.0.0.1, ::1, or 0.0.0.0 and :: for every address of this machine',
  )
  // As a URL writes it, so that an address has one spelling: 0:0:0:0:0:0:0:1 is ::1.
  .transform((text) =>
    isIP(text) === 6 && !text.includes('%') ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text,
  );
