// The duties of a worker, each with what it takes. The worker runs all of them; a test runs those that it is about.
import type { ComposedWorker } from '../src/composition/worker.ts';
import type { Readiness } from '../src/domain/readiness.ts';
import type { RetryWork } from '../src/retry/port.ts';
import { announce } from './announcer.ts';
import { endCampaigns } from './archivist.ts';
import { finishHalfDone } from './finisher.ts';
import { issueTickets } from './issuer.ts';
import { tidyUp } from './janitor.ts';
import { publishOutbox } from './publisher.ts';
import { keepReconciling } from './reconciler.ts';
import { recoverGates } from './recoverer.ts';
import { redriveByPolicy } from './redriver.ts';
import { relayTickets } from './relay.ts';
import { keepReporting } from './reporter.ts';
import { createRetryWork } from './retrier.ts';

/** Runs until `stopping` aborts; then ends what it has in hand. */
type Duty = (stopping: AbortSignal) => Promise<void>;

export interface DutyDeps {
  /** Takes jobs from the retry queue until `stopping` aborts. */
  workOnRetries: (work: RetryWork, stopping: AbortSignal) => Promise<void>;
  readiness: () => Readiness;
}

export function dutiesOf(worker: ComposedWorker, { workOnRetries, readiness }: DutyDeps) {
  return {
    issue: (stopping) => issueTickets({ ...worker.issuer, source: worker.openSource() }, stopping),
    retry: (stopping) => workOnRetries(createRetryWork(worker.retrier), stopping),
    recover: (stopping) => recoverGates(worker.recoverer, stopping),
    redrive: (stopping) => redriveByPolicy(worker.redriver, stopping),
    finish: (stopping) => finishHalfDone(worker.finisher, stopping),
    tidy: (stopping) => tidyUp(worker.janitor, stopping),
    end: (stopping) => endCampaigns(worker.archivist, stopping),
    reconcile: (stopping) => keepReconciling(worker.reconciler, stopping),
    announce: (stopping) => announce(worker.announcer, stopping),
    relay: async (stopping) => worker.relay && (await relayTickets(worker.relay, stopping)),
    publish: async (stopping) => worker.publisher && (await publishOutbox(worker.publisher, stopping)),
    report: (stopping) => keepReporting({ ...worker.reporter, readiness }, stopping),
  } satisfies Record<string, Duty>;
}
