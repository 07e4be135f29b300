// A load is one crowd on one scratch campaign; integration tests drive it as the command does.
import { type Crowd, runBuyers } from './buyers.ts';
import { createHttpClient } from './http-client.ts';
import { type BuyerIdentity, bareIdentity } from './identity.ts';
import { JOIN_SOCKETS_MAX, POLL_SOCKETS_MAX, REQUEST_MS } from './limits.ts';
import { createLog, type Log } from './log.ts';
import { awaitOpen, closeScratchCampaign, makeScratchCampaign, type ScratchCampaign } from './scratch-campaign.ts';
import { createPauses, type MonotonicClock, monotonicClock } from './time.ts';

export interface LoadDeps {
  url: string;
  adminUrl: string;
  adminToken: string;
  campaign: ScratchCampaign;
  /** {@link bareIdentity} when absent. */
  identity?: BuyerIdentity;
  clock?: MonotonicClock;
  /** Patience per request in ms; {@link REQUEST_MS} when absent. */
  requestMs?: number;
}

export interface Load {
  campaign: string;
  /** Filled while the crowd runs. */
  log: Log;
  /** Makes the campaign and waits until it is open. Throws `CannotRun`. */
  open(): Promise<void>;
  /** Runs the crowd to its end and gives `log`. Once per load: the log is not emptied. */
  run(crowd: Omit<Crowd, 'campaign'>): Promise<Log>;
  /** Sends every buyer home; `run` resolves with what was seen. */
  stop(): void;
  /** Closes the campaign it made unless `keep`, then the sockets; false when the campaign could not be closed. */
  close(options?: { keep?: boolean }): Promise<boolean>;
}

export function createLoad(deps: LoadDeps): Load {
  const clock = deps.clock ?? monotonicClock;
  const pauses = createPauses();
  const timeoutMs = deps.requestMs ?? REQUEST_MS;
  const http = createHttpClient({ baseUrl: deps.url, socketsMax: JOIN_SOCKETS_MAX, timeoutMs });
  const pollHttp = createHttpClient({ baseUrl: deps.url, socketsMax: POLL_SOCKETS_MAX, timeoutMs });
  const adminHttp = createHttpClient({ baseUrl: deps.adminUrl, socketsMax: 1, timeoutMs });
  const scratch = { http, adminHttp, adminToken: deps.adminToken, clock, pauses };
  const identity = deps.identity ?? bareIdentity;
  const { id } = deps.campaign;
  const log = createLog();
  let made = false;
  return {
    campaign: id,
    log,
    async open() {
      await makeScratchCampaign(scratch, deps.campaign);
      made = true;
      await awaitOpen(scratch, id);
    },
    run: (crowd) =>
      runBuyers({ http, pollHttp, log, clock, pauses, identity, chance: Math.random }, { ...crowd, campaign: id }),
    stop() {
      pauses.stop();
      http.close();
      pollHttp.close();
    },
    async close(options = {}) {
      const closed = !made || options.keep === true || (await closeScratchCampaign(scratch, id));
      for (const client of [http, pollHttp, adminHttp]) client.close();
      return closed;
    },
  };
}
