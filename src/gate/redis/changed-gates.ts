// Reads those of many gates that have changed. One script call for up to 250 gates of a lane tells which they are.

import { chunks } from '../../domain/chunks.ts';
import { epochMsOf, measureClock, type SpanClock, spanClock } from '../../domain/clock.ts';
import type { Fault } from '../../domain/fault.ts';
import type { GateView } from '../../domain/gate-view.ts';
import { type RedisClient, redisFault } from '../../redis/connection.ts';
import { keys } from '../../redis/keys.ts';
import { laneOf } from '../../redis/lanes.ts';
import { loadScript, runScript } from '../../redis/scripts.ts';
import type { ReadChangedGates, ReadEachGate } from '../port.ts';
import { MARK_FIELDS, markOf } from './gate-marks.ts';
import { createEachGateReader } from './gate-reader.ts';

const changed = loadScript('gates-changed');

/** Holds Redis up for less than a millisecond. */
const GATES_PER_CALL = 250;

interface Known {
  view: GateView;
  mark: string;
}

export function createChangedGateReader(
  redis: RedisClient,
  now: SpanClock = spanClock,
  readEach: ReadEachGate = createEachGateReader(redis, now),
): ReadChangedGates {
  /** Those of gates in one lane that have changed; the others are as of now. Never rejects. */
  async function compare(known: readonly Known[]): Promise<readonly GateView[] | Fault> {
    const names = known.flatMap(({ view: { id } }) => [keys.gate(id), keys.free(id)]);
    const askedAt = now();
    try {
      const args = [MARK_FIELDS.join(' '), ...known.map(({ mark }) => mark)];
      const [seconds, micros, ...places] = (await runScript(redis, changed, names, args)) as [
        string,
        string,
        ...number[],
      ];
      const readAt = now();
      const clock = measureClock(askedAt, readAt, epochMsOf([seconds, micros]));
      const others = new Set(places);
      for (const [place, { view }] of known.entries()) if (!others.has(place)) Object.assign(view, { readAt, clock });
      return places.map((place) => known[place]!.view);
    } catch (error) {
      return redisFault(error);
    }
  }

  return async (views) => {
    const at = now();
    const found = new Map<GateView, GateView | Fault | undefined>();
    const toRead: GateView[] = [];
    const known: Known[] = [];
    for (const view of views) {
      const mark = markOf(view, at);
      if (mark === undefined) toRead.push(view);
      else known.push({ view, mark });
    }
    const ofLanes = [...Map.groupBy(known, ({ view }) => laneOf(view.id)).values()];
    const calls = ofLanes.flatMap((ofLane) => [...chunks(ofLane, GATES_PER_CALL)]);
    for (const [call, told] of (await Promise.all(calls.map(compare))).entries()) {
      for (const { view } of calls[call]!) found.set(view, Array.isArray(told) ? view : (told as Fault));
      if (Array.isArray(told)) toRead.push(...told);
    }
    const read = await readEach(toRead.map(({ id }) => id));
    for (const [index, view] of toRead.entries()) found.set(view, read[index]);
    return views.map((view) => found.get(view));
  };
}
