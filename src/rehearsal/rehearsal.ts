// One rehearsal from the campaign to the verdict. Gives the exit code instead of taking it: a test runs this too.
import { CannotRun, NotAllowed } from './cannot-run.ts';
import { checkLedger } from './checker.ts';
import { countLedger } from './ledger-reader.ts';
import { createLoad, type Load } from './load.ts';
import { startProgress } from './progress-bar.ts';
import { scratchCampaignId } from './scratch-campaign.ts';
import type { Settings } from './settings.ts';
import { monotonicClock } from './time.ts';
import { nothingHeard, type Verdict, verdictOf } from './verdict.ts';
import { verdictTable } from './verdict-table.ts';

export const EXIT = { kept: 0, broken: 1, couldNotRun: 2, notAllowed: 77, badArguments: 78, interrupted: 130 } as const;

export interface RehearsalDeps {
  stdout: { write(text: string): unknown };
  stderr: { isTTY?: boolean; write(text: string): unknown };
  /** Aborted on SIGINT. */
  interrupted: AbortSignal;
}

/** Holds the rehearsal, prints the verdict and gives the exit code. Throws {@link CannotRun}. */
export async function rehearse(deps: RehearsalDeps, settings: Settings): Promise<number> {
  const load = createLoad({
    url: settings.url,
    adminUrl: settings.adminUrl,
    adminToken: settings.adminToken,
    identity: settings.identity,
    campaign: {
      id: scratchCampaignId(Date.now()),
      stock: settings.stock,
      shards: settings.shards,
      ...(settings.admissionRate === undefined ? {} : { ratePerSecond: settings.admissionRate }),
      ...(settings.backlogMax === undefined ? {} : { backlogMax: settings.backlogMax }),
    },
  });
  const stop = () => load.stop();
  deps.interrupted.addEventListener('abort', stop);
  try {
    // Before the first buyer: a ledger we cannot read would make the whole load worth nothing.
    await countLedger(settings.databaseUrl, load.campaign);
    await load.open();
    const verdict = await hold(deps, settings, load);
    deps.stdout.write(settings.json ? `${JSON.stringify(verdict)}\n` : verdictTable(verdict));
    if (verdict.verdict === 'INTERRUPTED') return EXIT.interrupted;
    return verdict.verdict === 'KEPT' ? EXIT.kept : EXIT.broken;
  } finally {
    deps.interrupted.removeEventListener('abort', stop);
    const closed = await load.close({ keep: settings.keep });
    if (!closed)
      deps.stderr.write(`campaign ${load.campaign} could not be closed; close it with sluice campaign close\n`);
  }
}

async function hold(deps: RehearsalDeps, settings: Settings, load: Load): Promise<Verdict> {
  const { buyers, stock } = settings;
  const { log, campaign } = load;
  const endProgress = settings.quiet
    ? undefined
    : startProgress({ stream: deps.stderr, log, clock: monotonicClock, buyers });
  const deadlineMs = settings.deadline * 1000;
  await load.run({
    buyers,
    ratePerSecond: settings.rate,
    repeatShare: settings.repeat,
    togetherShare: 0.5,
    pollShare: settings.poll,
    seed: settings.seed ?? campaign,
    deadlineMs,
  });
  endProgress?.();
  if (deps.interrupted.aborted) return verdictOf({ campaign, stock, buyers, log });
  if (log.notAllowed !== undefined) {
    throw new NotAllowed(`the service refused a buyer (${log.notAllowed}). ${settings.identity.advice}`);
  }
  if (nothingHeard(log)) {
    throw new CannotRun(
      `no buyer got a final answer from ${settings.url}. Is the service up, and is --deadline long enough?`,
    );
  }
  const lastDueMs = log.startedMs + ((buyers - 1) * 1000) / settings.rate;
  const settleMs = Math.max(0, lastDueMs + deadlineMs - monotonicClock());
  const { databaseUrl, inversionMax } = settings;
  const check = await checkLedger({
    databaseUrl,
    campaign,
    stock,
    log,
    settleMs,
    interrupted: deps.interrupted,
    ...(inversionMax === undefined ? {} : { inversionMax }),
  });
  return verdictOf({ campaign, stock, buyers, log, ...(deps.interrupted.aborted ? {} : { check }) });
}
