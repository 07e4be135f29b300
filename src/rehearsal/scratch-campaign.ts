// A campaign of our own to rehearse on: made through the admin API, awaited at the public one, closed afterwards.
import { fieldsOf, isNotAllowed } from './answers.ts';
import { CannotRun, NotAllowed } from './cannot-run.ts';
import type { HttpClient, HttpResult } from './http-client.ts';
import { OPEN_MS, OPEN_POLL_MS } from './limits.ts';
import type { MonotonicClock, Pauses } from './time.ts';

export interface ScratchCampaignDeps {
  http: HttpClient;
  adminHttp: HttpClient;
  adminToken: string;
  clock: MonotonicClock;
  pauses: Pauses;
}

/** The admin API's own field names (design §6); `ratePerSecond` limits admissions, absent means no limit. */
export interface ScratchCampaign {
  id: string;
  stock: number;
  shards: number;
  ratePerSecond?: number;
  backlogMax?: number;
}

/** `<of>-<base36 time>-<random>`: unique, and sorted by time in the admin list. */
export function scratchCampaignId(nowMs: number, of = 'rehearsal'): string {
  return `${of}-${nowMs.toString(36)}-${Math.random().toString(36).slice(2, 8).padEnd(6, '0')}`;
}

/** Makes the campaign through the admin API. Throws {@link CannotRun} when it was not made. */
export async function makeScratchCampaign(deps: ScratchCampaignDeps, campaign: ScratchCampaign): Promise<void> {
  const made = await askAdmin(deps, '/admin/campaigns', campaign);
  if (made.kind === 'unknown') {
    throw new CannotRun(
      `the admin API did not answer (${made.reason}). Start the service (npm start) or give --admin-url`,
    );
  }
  if (isNotAllowed(made.status)) {
    throw new NotAllowed(
      `the admin API refused the token (${made.status}). Give --admin-token or set ADMIN_TOKEN to the operator's token`,
    );
  }
  if (made.status !== 201 && made.status !== 200) {
    throw new CannotRun(`the admin API did not make the campaign: ${made.status} ${JSON.stringify(made.body)}`);
  }
}

/** Waits until the public API calls the campaign open, at most {@link OPEN_MS}. Throws {@link CannotRun}. */
export async function awaitOpen(deps: ScratchCampaignDeps, id: string): Promise<void> {
  const deadlineMs = deps.clock() + OPEN_MS;
  let last = 'nothing';
  while (!deps.pauses.stopped && deps.clock() < deadlineMs) {
    const shown = await deps.http.request({ method: 'GET', path: `/v1/campaigns/${id}` });
    if (shown.kind === 'answer' && shown.status === 200 && fieldsOf(shown.body).phase === 'open') return;
    last = shown.kind === 'unknown' ? shown.reason : `${shown.status} ${JSON.stringify(shown.body)}`;
    await deps.pauses.sleep(OPEN_POLL_MS);
  }
  if (deps.pauses.stopped) return;
  throw new CannotRun(
    `the public API did not call ${id} open within ${OPEN_MS} ms (last: ${last}). Is --url the same service?`,
  );
}

/** Closes the campaign; false when the admin API did not say that it did. */
export async function closeScratchCampaign(deps: ScratchCampaignDeps, id: string): Promise<boolean> {
  const closed = await askAdmin(deps, `/admin/campaigns/${id}/close`);
  return closed.kind === 'answer' && closed.status < 300;
}

function askAdmin(deps: ScratchCampaignDeps, path: string, body?: unknown): Promise<HttpResult> {
  const headers = { authorization: `Bearer ${deps.adminToken}` };
  return deps.adminHttp.request({ method: 'POST', path, headers, ...(body === undefined ? {} : { body }) });
}
