// Makes a trace short: events are left out, many at a time and then single ones, as long as the same rule is broken.
import type { Plan } from './plan.ts';
import { type Run, replay } from './run.ts';
import type { Stage } from './stage.ts';

/** Runs that one shrinking may cost. */
const RUNS_MAX = 400;

/** The shortest run found that breaks `rule`; undefined when the events alone do not break it. */
export async function shrink(
  stage: Stage,
  plan: Plan,
  events: readonly string[],
  rule: string,
): Promise<Run | undefined> {
  let runCount = 0;
  const attempt = async (some: readonly string[]): Promise<Run | undefined> => {
    runCount += 1;
    const run = await replay(stage, plan, some);
    return run.findings.some((finding) => finding.rule === rule) ? run : undefined;
  };
  let best = await attempt(events);
  for (let size = Math.ceil((best?.trace.length ?? 0) / 2); best !== undefined && runCount < RUNS_MAX; ) {
    let shorter: Run | undefined;
    for (let end = best.trace.length; end > 0 && runCount < RUNS_MAX; end -= size) {
      const run = await attempt(best.trace.toSpliced(Math.max(0, end - size), Math.min(size, end)));
      if (run !== undefined && run.trace.length < best.trace.length) {
        best = run;
        shorter = run;
      }
    }
    if (size === 1 && shorter === undefined) break;
    if (size > 1) size = Math.ceil(size / 2);
  }
  return best;
}
