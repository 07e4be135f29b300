// Alternating rounds: A, B, C, A, B, C…, so that what drifts on the machine drifts for every contender alike.
import type { Context, Outcome, Sample } from './figure.ts';

export interface Contender {
  name: string;
  /** Starts what is needed and warms it up. A contender that cannot run throws, and the others go on. */
  open: (stack: AsyncDisposableStack) => Promise<(round: number) => Promise<Sample>>;
}

/**
 * Opens all contenders, measures them in turn, and closes what they opened, in reverse order. A round that fails is
 * measured once more, and the notes say so; a contender that fails twice is out.
 */
export async function alternate(
  { rounds, tell }: Pick<Context, 'rounds' | 'tell'>,
  contenders: readonly Contender[],
  notes: string[] = [],
): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const outcome: Outcome = { rounds: {}, missing: {}, notes };
  const measures = new Map<string, (round: number) => Promise<Sample>>();
  const attempt = async (name: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      measures.delete(name);
      delete outcome.rounds[name];
      outcome.missing[name] = `${name}: ${messageOf(error)}`;
      tell(`  ${outcome.missing[name]}`);
    }
  };
  for (const { name, open } of contenders) {
    await attempt(name, async () => {
      measures.set(name, await open(stack));
      outcome.rounds[name] = [];
    });
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, measure] of [...measures]) {
      await attempt(name, async () => {
        const sample = await measure(round).catch((error: unknown) => {
          notes.push(`round ${round} of ${name} was measured again, because ${messageOf(error)}`);
          return measure(round);
        });
        outcome.rounds[name]!.push(sample);
        tell(`  ${round}/${rounds} ${name}: ${describe(sample)}`);
      });
    }
  }
  return outcome;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const describe = (sample: Sample): string =>
  Object.entries(sample)
    .map(([metric, value]) => `${metric} ${Number.isInteger(value) ? value : value.toPrecision(4)}`)
    .join(', ');
