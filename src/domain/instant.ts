// Times as people write them. The command line, the admin API and the settings read them here and nowhere else.

const FORM = /^(\d{4}-\d\d-(\d\d))T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * Epoch ms of a time as RFC 3339 writes it, 2026-12-24T18:00:00+09:00; undefined for any other text, and for a day that no
 * calendar has. What is finer than a ms is cut off.
 */
export function parseInstant(text: string): number | undefined {
  const [, date, day] = FORM.exec(text) ?? [];
  // Date.parse takes 29 February of any year, and makes 1 March of it.
  const midnight = new Date(`${date}T00:00:00Z`);
  return midnight.getUTCDate() === Number(day) ? Date.parse(text) : undefined;
}
