/** Waits until `condition` gives something truthy and returns it; fails after `withinMs`, naming `what`. */
export async function until<T>(
  what: string,
  withinMs: number,
  condition: () => T | Promise<T>,
): Promise<Exclude<T, false | 0 | '' | null | undefined>> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await condition();
    if (value) return value as Exclude<T, false | 0 | '' | null | undefined>;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
