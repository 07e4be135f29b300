// Keeps the event streams of a front alive while nothing happens, and ends those that are old: one timer for all of them.

export interface HeartbeatOptions {
  /** How often each stream beats. */
  periodMs: number;
  /** How long a stream may last. */
  lifeMs: number;
  /** Parts of the period among which the streams are spread. */
  slots: number;
}

export interface Beating {
  beat: () => void;
  /** Called once, instead of a beat, when the stream has lasted its time. */
  over: () => void;
}

/**
 * Takes a stream; returns how to let it go. All streams of a sale open in the same second: each gets a part of the period
 * in turn, so that no tick writes to more than its share of them. There is no timer while there is no stream.
 */
export function createHeartbeat({ periodMs, lifeMs, slots }: HeartbeatOptions): (beating: Beating) => () => void {
  const wheel = Array.from({ length: slots }, () => new Map<Beating, number>());
  const beatsMax = Math.ceil(lifeMs / periodMs);
  let count = 0;
  let taken = 0;
  let turn = 0;
  let timer: NodeJS.Timeout | undefined;

  function tick(): void {
    const slot = wheel[turn++ % slots]!;
    for (const [beating, beats] of slot) {
      slot.set(beating, beats + 1);
      if (beats + 1 < beatsMax) beating.beat();
      else if (beats + 1 === beatsMax) beating.over();
    }
  }

  return (beating) => {
    const slot = wheel[taken++ % slots]!;
    slot.set(beating, 0);
    count += 1;
    timer ??= setInterval(tick, periodMs / slots);
    return () => {
      if (!slot.delete(beating)) return;
      count -= 1;
      if (count > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  };
}
