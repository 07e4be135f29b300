// What a campaign may be called: the API, the command line and the ledger ask here.

/** Code points, as the ledger's column counts them: an emoji is one or more of them, whatever its length in UTF-16. */
export const NAME_CHARS_MAX = 200;

/** What no name holds: control characters, which a terminal obeys, and line separators. For the API's document. */
export const NAME_PATTERN = String.raw`^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$`;

/** The same, and no half of a surrogate pair: the ledger keeps UTF-8, which has none, and would keep something else. */
const NAME = /^[^\p{Cc}\p{Cs}\u2028\u2029]{0,200}$/u;

export const isCampaignName = (text: string): boolean => NAME.test(text);

export const NAME_EXPECTED = `must have at most ${NAME_CHARS_MAX} characters, without control characters and half surrogate pairs`;
