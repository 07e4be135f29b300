// What a row of the hostile tables is.
import type { RawRequest } from './raw.ts';

export interface HostilePlace {
  /** A campaign that is open and far from sold out. */
  campaign: string;
  /** A ticket of `owner` in it. */
  ticket: string;
}

export interface HostileRow {
  name: string;
  to: 'front' | 'admin';
  /** What may be answered; 0 is a connection that is closed without a word. */
  statuses: readonly number[];
  request: (place: HostilePlace) => RawRequest | Buffer;
}

export type Fields = RawRequest['headers'] & object;

export const joinPath = (campaign: string): string => `/v1/campaigns/${campaign}/tickets`;

/** A join of `ann`, except for what `given` says. */
export const join =
  (given: RawRequest) =>
  ({ campaign }: HostilePlace): RawRequest => ({
    method: 'POST',
    path: joinPath(campaign),
    headers: [['x-user-id', 'ann'], ...(given.headers ?? [])],
    ...(given.method === undefined ? {} : { method: given.method }),
    ...(given.body === undefined ? {} : { body: given.body }),
  });

/** `text` on one line, short enough for the name of a test. */
export const shown = (text: string): string =>
  JSON.stringify(text.length > 48 ? `${text.slice(0, 40)}…(${text.length})` : text);

/** Frames, files, statements, keys, addresses and classes: what a body must never tell. */
export const LEAKS =
  /\bat \S+ \(|\bat file:|node_modules|\/work\/|\.ts:\d|[A-Z]\w*(?:Error|Exception)\b|\b(?:SELECT|INSERT|UPDATE) |`\w+`|SLUICE_|sluice:\{|ECONN|127\.0\.0\.1:\d|column '/;
