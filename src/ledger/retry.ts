// Again, when the server rolled work back for the sake of somebody else.
import { setTimeout as pause } from 'node:timers/promises';
import { kindOf } from './errors.ts';

/** Times that work the server rolled back is done again. */
const RETRIES_MAX = 5;

/**
 * Does `work`, and does it again while the server rolls it back for somebody else's sake: at most {@link RETRIES_MAX}
 * times, after a random pause of up to 10, 20, 40… ms, so that two that met do not meet again. Throws the last Fault.
 */
export async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (let retries = 0; ; retries += 1) {
    try {
      return await work();
    } catch (error) {
      if (kindOf(error) !== 'retry' || retries >= RETRIES_MAX) throw error;
      await pause(Math.random() * 10 * 2 ** retries);
    }
  }
}
