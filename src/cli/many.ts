// Many requests for one command: some at a time, progress on standard error, and what was refused does not stop the others.
import { setTimeout as pause } from 'node:timers/promises';
import { visibleJson, visibleLines } from '../domain/text.ts';
import type { Answer, Problem } from './answer.ts';
import { EXIT } from './exit.ts';
import type { Request, Tools } from './verb.ts';
import { counted, whole } from './words.ts';

/** A line of a file, or an id, and one of: the request it becomes, the outcome that is known without one, or a problem. */
export interface Item {
  /** Of the file; undefined for what has none. */
  line?: number;
  id: string;
  request?: Request;
  /** A word of the job's `words`. */
  outcome?: string;
  /** Why it is refused. */
  problem?: string;
}

export interface Job {
  /** What an item is: `line`, `campaign`. */
  unit: string;
  items: readonly Item[];
  /** What became of a request, in a word of `words`. */
  outcomeOf: (answer: Extract<Answer, { kind: 'done' }>) => string;
  /** All outcomes, as the summary shows them. */
  words: readonly string[];
  /** Whether it only shows what would be done. */
  dryRun: boolean;
}

/** The service commits what arrives together at once: 32 at a time create about 1,000 campaigns a second. */
const AT_A_TIME = 32;
/** A request whose outcome is unknown is sent again so often, each time after a longer wait. */
const TRIES_MAX = 6;
const TRY_AGAIN_MS = 200;
/** Progress is shown every so many, about half a second apart. */
const PROGRESS_COUNT = 500;

interface Refusal {
  line?: number;
  id: string;
  why: string;
}

/** Resolves with the exit code: refused when an item was, unreachable when the service was; then the rest was not tried. */
export async function doMany(tools: Tools, job: Job): Promise<number> {
  const { unit, items, words } = job;
  const counts = new Map(words.map((word) => [word, 0]));
  const refusals: Refusal[] = [];
  const startedAt = performance.now();
  let [next, doneCount] = [0, 0];
  let stopped: { request: Request; answer: Exclude<Answer, { kind: 'done' }> } | undefined;

  const summary = () => [...counts].map(([word, count]) => `${whole(count)} ${word}`).join(', ');
  const progress = () => {
    if (tools.json || doneCount % PROGRESS_COUNT !== 0) return;
    const rate = whole(Math.round(doneCount / ((performance.now() - startedAt) / 1_000)));
    const refused = `${whole(refusals.length)} refused`;
    tools.err(`${whole(doneCount)} of ${counted(items.length, unit)}: ${summary()}, ${refused} (${rate} ${unit}s/s)\n`);
  };
  const refuse = ({ line, id }: Item, why: string) => {
    refusals.push({ ...(line === undefined ? {} : { line }), id, why });
    if (tools.json) return;
    const where = line === undefined ? '' : `line ${whole(line)}: `;
    tools.err(visibleLines(`${where}${id === '' ? '' : `${id}: `}refused: ${why}\n`));
  };
  const count = (word: string) => void counts.set(word, (counts.get(word) ?? 0) + 1);
  const doOne = async (item: Item): Promise<void> => {
    const { request, outcome, problem = '' } = item;
    if (outcome !== undefined) return count(outcome);
    if (request === undefined) return refuse(item, problem);
    const answer = await askAgain(tools, request);
    if (answer.kind === 'done') count(job.outcomeOf(answer));
    else if (answer.kind === 'refused' && answer.status !== 401 && answer.status !== 403) {
      refuse(item, whyRefused(answer.problem));
    } else stopped ??= { request, answer };
  };
  const worker = async (): Promise<void> => {
    while (next < items.length && stopped === undefined) {
      await doOne(items[next++]!);
      doneCount += 1;
      progress();
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));

  const code = stopped === undefined ? undefined : tools.failed(stopped.request, stopped.answer);
  const leftCount =
    stopped === undefined ? 0 : items.length - [...counts.values()].reduce((a, b) => a + b, refusals.length);
  if (tools.json) {
    const told = { dryRun: job.dryRun, ...Object.fromEntries(counts), refused: refusals, left: leftCount };
    tools.out(`${visibleJson(told)}\n`);
  } else {
    const left = leftCount === 0 ? '' : `, ${whole(leftCount)} not done`;
    tools.out(`${counted(items.length, unit)}: ${summary()}, ${whole(refusals.length)} refused${left}.\n`);
    if (job.dryRun) tools.out('Nothing was changed. To do it, run the same command with --yes.\n');
  }
  return code ?? (refusals.length > 0 ? EXIT.refused : EXIT.done);
}

/** Every request of such a command may be sent twice. */
async function askAgain(tools: Tools, request: Request): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await tools.ask(request);
    if (answer.kind !== 'unreachable' || answer.known || tries === TRIES_MAX) return answer;
    await pause(TRY_AGAIN_MS * 2 ** (tries - 1));
  }
}

function whyRefused({ title = 'the service gave no reason', detail, errors = [] }: Problem): string {
  const fields = errors.map(({ field, message }) => `${field} ${message}`);
  return [...(fields.length > 0 ? fields : [title]), ...(detail === undefined ? [] : [detail])].join('; ');
}
