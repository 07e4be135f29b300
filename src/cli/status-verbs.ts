// The whole service on one screen, once or again and again.
import { setTimeout as pause } from 'node:timers/promises';
import { visibleJson, visibleLines } from '../domain/text.ts';
import type { Answer } from './answer.ts';
import { EXIT } from './exit.ts';
import { plain, type Screen, type Status, statusText, topText } from './present-status.ts';
import type { ManyVerb, Request, SingleVerb, Tools } from './verb.ts';

const LOOK: Request = { method: 'GET', path: '/admin/status' };
const INTERVAL_SECONDS = 2;
/** Home, the rest of the screen erased: what stood there does not flicker. */
const REDRAW = '\u001b[H\u001b[J';

export const STATUS_VERB: SingleVerb = {
  noun: 'status',
  name: '',
  takes: 'nothing',
  needs: [],
  may: [],
  help: 'Show stores, fronts, workers, what waits, and what needs a person.',
  request: () => LOOK,
  show: (body) => statusText(body as Status, plain),
};

export const TOP_VERB: ManyVerb = {
  noun: 'top',
  name: '',
  takes: 'nothing',
  needs: [],
  may: ['interval', 'rounds'],
  help: 'The same, live: the campaigns that have the most tickets waiting, and how fast they are settled.',
  work:
    (_, { interval = INTERVAL_SECONDS, rounds = Number.POSITIVE_INFINITY }) =>
    (tools) =>
      watch(tools, Number(interval) * 1_000, Number(rounds)),
};

/** Until `rounds` looks were shown, or nobody reads them. A service that is away for a while is shown as that. */
async function watch(tools: Tools, intervalMs: number, rounds: number): Promise<number> {
  let before: Status | undefined;
  for (let round = 1; ; round += 1) {
    const answer = await tools.ask(LOOK);
    if (answer.kind === 'refused') return tools.failed(LOOK, answer);
    const now = answer.kind === 'done' ? (answer.body as Status) : undefined;
    print(tools, answer, before);
    before = now ?? before;
    if (round >= rounds) return now === undefined ? EXIT.unreachable : EXIT.done;
    await pause(intervalMs, undefined, { signal: tools.terminal.closed }).catch(() => undefined);
    if (tools.terminal.closed.aborted) return EXIT.done;
  }
}

function print({ out, json, terminal }: Tools, answer: Exclude<Answer, { kind: 'refused' }>, before?: Status): void {
  if (json) {
    out(`${visibleJson(answer.kind === 'done' ? answer.body : { unreachable: answer.why })}\n`);
    return;
  }
  const screen: Screen = terminal.hasColour ? coloured : plain;
  const text =
    answer.kind === 'done'
      ? topText(answer.body as Status, before, screen)
      : `${screen.bad(`Unreachable: ${visibleLines(answer.why)}`)}\n`;
  out(terminal.isScreen ? `${REDRAW}${text}` : `${text}\n`);
}

const coloured: Screen = {
  bad: (text) => `\u001b[31m${text}\u001b[39m`,
  strong: (text) => `\u001b[1m${text}\u001b[22m`,
};
