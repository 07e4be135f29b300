import { DEADLINE_MS } from './deadlines.ts';

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>;
type Condition<T> = () => T | Promise<T>;

/** Waits until `condition` gives something truthy and returns it; fails after `DEADLINE_MS`, naming `what`. */
export async function until<T>(what: string, condition: Condition<T>): Promise<Truthy<T>>;
/** The same with a deadline of its own where that is longer: a shorter one would measure the machine. */
export async function until<T>(what: string, withinMs: number, condition: Condition<T>): Promise<Truthy<T>>;
export async function until<T>(
  what: string,
  ...[first, second]: [Condition<T>] | [number, Condition<T>]
): Promise<Truthy<T>> {
  const [withinMs, condition] =
    typeof first === 'number' ? [Math.max(first, DEADLINE_MS), second!] : [DEADLINE_MS, first];
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await condition();
    if (value) return value as Truthy<T>;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
