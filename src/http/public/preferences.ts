// What a client prefers of an answer: how long it would wait (RFC 7240), and in which form it wants it (RFC 9110, 12).
import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import { limits } from '../../process/limits.ts';
import type { Header } from '../headers.ts';

/** One element of a list; a comma in a quoted string is none of the list's, and a quote that nobody closes takes the rest. */
const ELEMENTS = /(?:"(?:[^"\\]|\\.?)*(?:"|$)|[^",])+/gs;
const NAMES_WAIT = /^\s*wait\s*(?:[=;]|$)/i;
const WAIT = /^\s*wait\s*=\s*(?:(\d+)|"(\d+)")\s*(?:;|$)/i;

/**
 * Ms of the preference `wait`, at most what we wait; 0 without one. Of several the first counts, even where it has no
 * value that we understand (RFC 7240, 2).
 */
export function preferredWaitMs(prefer: string | undefined): number {
  if (prefer === undefined) return 0;
  const first = prefer
    .replaceAll('\n', ',')
    .match(ELEMENTS)
    ?.find((element) => NAMES_WAIT.test(element));
  const [, bare, quoted] = WAIT.exec(first ?? '') ?? [];
  return Math.min(Number(bare ?? quoted ?? 0) * 1_000, limits.longPollMaxMs);
}

const JSON_TYPE = 'application/json';
const EVENTS_TYPE = 'text/event-stream';

/** Whether a stream of events is preferred to JSON. A client that does not name it gets none: it would wait for an end. */
export function prefersEvents(c: Context, header: Header): boolean {
  if (!/event-stream/i.test(header('accept') ?? '')) return false;
  return accepts(c, { header: 'Accept', supports: [], default: JSON_TYPE, match: preferredType }) === EVENTS_TYPE;
}

/** By quality; of equals the one that the client names, and of two that it names the first. */
function preferredType(ranges: { type: string; q: number }[]): string {
  const types = ranges.map(({ type }) => type.toLowerCase());
  const events = types.indexOf(EVENTS_TYPE);
  const json = [JSON_TYPE, 'application/*', '*/*'].map((type) => types.indexOf(type)).find((index) => index >= 0);
  const eventsQuality = ranges[events]?.q ?? 0;
  const jsonQuality = json === undefined ? 0 : ranges[json]!.q;
  if (eventsQuality === 0 || eventsQuality < jsonQuality) return JSON_TYPE;
  const isLaterEqual = eventsQuality === jsonQuality && types[json!] === JSON_TYPE && json! < events;
  return isLaterEqual ? JSON_TYPE : EVENTS_TYPE;
}
