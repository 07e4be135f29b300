// An answer that many may ask for, and that costs a store the same however many do.

/**
 * Asks `read` at most once in `ms` and once at a time; questions in between get the same answer. A read that failed is not
 * kept: its error goes to the questions that waited for it, and the next question asks again.
 */
export function lately<T>(ms: number, read: () => Promise<T>, now: () => number = () => performance.now()) {
  let kept: { answer: Promise<T>; until: number } | undefined;
  return (): Promise<T> => {
    if (kept !== undefined && now() < kept.until) return kept.answer;
    const asked = { answer: read(), until: Number.POSITIVE_INFINITY };
    kept = asked;
    asked.answer.then(
      () => {
        asked.until = now() + ms;
      },
      () => {
        if (kept === asked) kept = undefined;
      },
    );
    return asked.answer;
  };
}
