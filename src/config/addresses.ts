// The settings that say under which addresses people reach Sluice, and from which pages browsers may ask it.
import { z } from 'zod';
import { limits } from '../process/limits.ts';
import { httpUrl } from './urls.ts';

/** An http(s) address without a slash at its end. */
const address = httpUrl('takes http://host:port or https://host:port')
  .transform((text) => new URL(text))
  .refine(
    ({ username, password, search, hash }) => `${username}${password}${search}${hash}` === '',
    'takes an address without user, password, query and fragment',
  )
  .transform(({ href }) => href.replace(/\/+$/, ''));

/** Browsers compare origins by their text, so that one in another spelling would never match. */
const isOrigin = (text: string): boolean => /^https?:[^*]+$/.test(text) && URL.parse(text)?.origin === text;

export const addressSettings = {
  PUBLIC_URL: address.optional(),
  ADMIN_URL: address.optional(),
  CORS_ORIGINS: z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .refine((origins) => origins.length <= limits.corsOriginsMax, `takes at most ${limits.corsOriginsMax} origins`)
    .refine(
      (origins) => origins.every(isOrigin),
      'takes origins as browsers send them, with commas between: https://shop.example,https://www.shop.example (no *, no null, no path, no slash at the end)',
    )
    .default([]),
};
