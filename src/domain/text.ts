// Text that somebody typed: how long it may be, and how it is shown so that it can neither hide nor move anything.

/** Code points of a campaign's name, as its column counts them: an emoji is one, though JavaScript says two. */
export const NAME_CODE_POINTS_MAX = 200;

export const codePointCount = (text: string): number => Array.from(text).length;

/**
 * What a terminal obeys instead of showing it (control characters, bidirectional controls), or shows as nothing
 * (zero-width characters, fillers, lone surrogates). Whole emoji are found first: they are joined by such characters.
 */
const EMOJI_OR_HIDDEN =
  /(\p{RGI_Emoji})|[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gv;

/** `text` on one line, with everything that cannot be seen as `\u{202E}`. */
export function visible(text: string): string {
  return text.replaceAll(EMOJI_OR_HIDDEN, (found, emoji?: string) =>
    emoji === undefined ? `\\u{${found.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}}` : emoji,
  );
}

/** {@link visible} for text of several lines. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n');

/** JSON of `value` on one line, the same to a program, in which a terminal finds nothing to obey. */
export function visibleJson(value: unknown): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replaceAll(EMOJI_OR_HIDDEN, (found) => found.split('').map(escaped).join(''));
}
