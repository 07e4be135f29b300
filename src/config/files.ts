// Settings that name a file, read at once: one that is missing is a problem of the configuration.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The text of the file, such as a certificate. */
export const fileText = z.string().transform((path, context) => read(path, context) ?? z.NEVER);

/** The path of a file that can be read now, and is read again when its text is needed. */
export const filePath = z.string().superRefine((path, context) => void read(path, context));

function read(path: string, context: { addIssue: (message: string) => void }): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    context.addIssue(`takes the path of a readable file (${(error as NodeJS.ErrnoException).code})`);
    return undefined;
  }
}
