// Looks at the campaign of a load, so that the report can say when everything was issued.
import type { CampaignReading, LoadCampaign } from './campaign.ts';

export interface Watching {
  /** When the last buyer arrives, ms since 1970. */
  endAt: number;
  /** How long after that tickets may still wait. */
  patienceMs: number;
  /** Settles when the generators have ended. */
  loaded: Promise<unknown>;
  /** Another clock in tests; ms since 1970. */
  now?: () => number;
}

const LOOK_MS = 250;
const LOOK_MEANWHILE_MS = 1_000;

/**
 * Looks until the load is over and nothing waits, or patience ends: once a second while buyers arrive, since a stock may be
 * sold and issued long before the last of them, and often after that. The last reading is of the end. Throws
 * `CannotRun` when a look after the last arrival is not answered.
 */
export async function watch(
  campaign: Pick<LoadCampaign, 'look' | 'pause'>,
  { endAt, patienceMs, loaded, now = Date.now }: Watching,
): Promise<CampaignReading[]> {
  let isLoaded = false;
  void loaded.then(
    () => (isLoaded = true),
    () => (isLoaded = true),
  );
  const readings: CampaignReading[] = [];
  for (let left = endAt - now(); left > 0; left = endAt - now()) {
    await campaign.pause(Math.min(left, LOOK_MEANWHILE_MS));
    // The service is under load: a look without an answer is none.
    const reading = await campaign.look().catch(() => undefined);
    if (reading !== undefined) readings.push(reading);
    if (isLoaded) break;
  }
  for (;;) {
    const reading = await campaign.look();
    readings.push(reading);
    const isIssued = reading.backlog + reading.retrying === 0;
    if (isLoaded && (isIssued || now() > endAt + patienceMs)) return readings;
    await campaign.pause(LOOK_MS);
  }
}
