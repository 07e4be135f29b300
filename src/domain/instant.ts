// Times as people write them. The command line, the admin API and the settings read them here and nowhere else.

/** The gate takes no time before 1970, the ledger none after 9999; a year less at both ends, whatever the offset. */
export const YEARS = /^(?:197[1-9]|19[89]\d|[2-8]\d{3}|9[0-8]\d\d|99[0-8]\d|999[0-8])-/;

const FORM = /^(\d{4}-\d\d-(\d\d))T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * Epoch ms of a time as RFC 3339 writes it, 2026-12-24T18:00:00+09:00; undefined for any other text, for a day that no
 * calendar has, and for a year before 1971 or after 9998. What is finer than a ms is cut off.
 */
export function parseInstant(text: string): number | undefined {
  if (!YEARS.test(text)) return undefined;
  const [, date, day] = FORM.exec(text) ?? [];
  // Date.parse takes 29 February of any year, and makes 1 March of it.
  const midnight = new Date(`${date}T00:00:00Z`);
  return midnight.getUTCDate() === Number(day) ? Date.parse(text) : undefined;
}
