// Where the rehearsal stands: a bar that redraws itself on a terminal, a plain line now and then elsewhere.
import { PROGRESS_LINE_MS, PROGRESS_TTY_MS } from './limits.ts';
import type { Log } from './log.ts';
import type { MonotonicClock } from './time.ts';

export interface ProgressDeps {
  stream: { isTTY?: boolean; write(text: string): unknown };
  log: Log;
  clock: MonotonicClock;
  buyers: number;
}

/** Starts showing; the function given back shows a last time and ends it. */
export function startProgress(deps: ProgressDeps): () => void {
  const isTerminal = deps.stream.isTTY === true;
  const startMs = deps.clock();
  let last = { ms: startMs, joined: 0 };
  const show = () => {
    const nowMs = deps.clock();
    const { joined } = deps.log.seen;
    const perSecond = ((joined - last.joined) * 1000) / Math.max(1, nowMs - last.ms);
    last = { ms: nowMs, joined };
    const line = progressLine({ ...deps.log.seen, buyers: deps.buyers, elapsedMs: nowMs - startMs, perSecond });
    deps.stream.write(isTerminal ? `\r\x1b[K${bar(joined / deps.buyers)} ${line}` : `${line}\n`);
  };
  const timer = setInterval(show, isTerminal ? PROGRESS_TTY_MS : PROGRESS_LINE_MS);
  return () => {
    clearInterval(timer);
    show();
    if (isTerminal) deps.stream.write('\n');
  };
}

/** `joined` counts buyers that got their answer; `perSecond` is theirs since the last line. */
function progressLine(at: {
  joined: number;
  buyers: number;
  accepted: number;
  issued: number;
  elapsedMs: number;
  perSecond: number;
}): string {
  const whole = (value: number) => Math.round(value).toLocaleString('en-GB');
  return [
    `${whole(at.joined)} of ${whole(at.buyers)} buyers joined`,
    `${whole(at.accepted)} accepted`,
    `${whole(at.issued)} seen issued`,
    `${(at.elapsedMs / 1000).toFixed(1)} s`,
    `${whole(at.perSecond)} buyers/s`,
  ].join(' · ');
}

function bar(share: number): string {
  const filled = Math.round(Math.min(1, share) * 20);
  return `[${'#'.repeat(filled)}${'-'.repeat(20 - filled)}]`;
}
