// The settings of the webhook that tells operators of what they did not ask for.
import { z } from 'zod';
import { whole } from './scalars.ts';
import { httpUrl } from './urls.ts';

const SECRET = /^(?:whsec_)?([A-Za-z0-9+/]{32,88}={0,2})$/;
const secretOf = (text: string): Buffer => Buffer.from(SECRET.exec(text)?.[1] ?? '', 'base64');

export const noticeSettings = {
  NOTIFY_WEBHOOK_URL: httpUrl('takes http://… or https://…').optional(),
  NOTIFY_WEBHOOK_SECRET: z
    .string()
    .refine(
      (text) => secretOf(text).length >= 24 && secretOf(text).length <= 64,
      'takes whsec_ and the base64 of 24 to 64 bytes, as Standard Webhooks say',
    )
    .transform(secretOf)
    .optional(),
  NOTIFY_DEAD_LETTERS: whole(1, 1_000_000).default(5),
};

/** What is missing beside another setting, a line each. */
export function noticeProblems({ given }: { given: ReadonlySet<string> }): string[] {
  if (!given.has('NOTIFY_WEBHOOK_SECRET') || given.has('NOTIFY_WEBHOOK_URL')) return [];
  return ['NOTIFY_WEBHOOK_SECRET: signs what goes to NOTIFY_WEBHOOK_URL, and that is not set'];
}
