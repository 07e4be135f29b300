// The mark of a gate: what of it moves with every ticket, outcome and setting, as one text. Two readings with the same mark
// differ in nothing that scripts write.
import type { GateView } from '../../domain/gate-view.ts';

/** Counters and versions of a gate, by field. */
export const MARK_FIELDS = ['epoch', 'version', 'run_id', 'seq', 'settled', 'retrying', 'cancelled', 'next_unit'];

/** A change that a person makes in a gate by hand may leave its mark as it was: a front reads each gate as a whole this often. */
const TRUSTED_MS = 30_000;

interface Mark {
  text: string;
  /** The last seq of the reading: the view may have heard of later ones since. */
  seq: number;
  readAt: number;
}

const marks = new WeakMap<GateView, Mark>();

/** Notes what the gate's hash and the number of its free units were when `view` was read. */
export function noteMark(view: GateView, gate: Readonly<Record<string, string>>, freeCount: number): void {
  const text = [...MARK_FIELDS.map((field) => gate[field] ?? ''), freeCount].join(' ');
  marks.set(view, { text, seq: view.seq, readAt: view.readAt });
}

/** The mark under which `view` was read; undefined where the gate is to be read as a whole. */
export function markOf(view: GateView, now: number): string | undefined {
  const mark = marks.get(view);
  return mark !== undefined && mark.seq === view.seq && now - mark.readAt < TRUSTED_MS ? mark.text : undefined;
}
