// Whether gates and ledger agree about the live campaigns: one line for each question, whatever the number. Pure.
import { limits } from '../process/limits.ts';
import { broken, type Fact, type Finding, judged, listed, ok, warning } from './finding.ts';
import type { GateFacts } from './gate-facts.ts';

/** `more` says that there are campaigns which were not looked at. */
export function judgeGates(facts: Fact<readonly GateFacts[]>, more: boolean): Finding[] {
  const scope = (count: number) => `${count} live campaign(s)${more ? ', and more that were not checked' : ''}`;
  return [
    judged('gates', facts, (gates) => judgeMissing(gates, scope(gates.length))),
    judged('gate-layout', facts, judgeLayout),
    judged('gate-epochs', facts, judgeEpochs),
    judged('gate-shapes', facts, judgeShapes),
    judged('work-groups', facts, judgeGroups),
    judged('work-lag', facts, judgeLag),
  ];
}

function judgeMissing(gates: readonly GateFacts[], scope: string): Finding {
  const missing = gates.filter(({ gate }) => gate === undefined);
  if (missing.length === 0) return ok('gates', scope);
  return warning('gates', {
    found: `no gate for ${named(missing)}; ${scope}`,
    means: 'their joins get 503: Redis has lost its data, or no worker has made these gates yet',
    remedy: 'check that a worker runs: workers make missing gates; run doctor again in a minute',
  });
}

function judgeLayout(gates: readonly GateFacts[]): Finding {
  const old = gates.filter(({ hasOldLayout }) => hasOldLayout);
  if (old.length === 0) return ok('gate-layout', 'no keys under the names of earlier versions');
  return warning('gate-layout', {
    found: `Redis holds keys of ${named(old)} under the names of earlier versions`,
    means:
      'this version does not read them; a ticket that still waited in them is issued once its holder asks for it again',
    remedy:
      'stop every process of an earlier version; then delete these keys, for each campaign sluice:{<campaign>}:* with redis-cli --scan and UNLINK',
  });
}

/** `unverified` of `liveCount` campaigns with a gate; workers verify them when their server was started again. */
export function judgeVerified(unverified: Fact<readonly string[]>, liveCount: number): Finding {
  return judged('gates-verified', unverified, (ids) => {
    if (ids.length === 0) return ok('gates-verified', `${liveCount} of ${liveCount}`);
    return warning('gates-verified', {
      found: `${liveCount - ids.length} of ${liveCount}; missing, or not verified since Redis was started: ${listed(ids)}`,
      means: 'workers compare these gates with the ledger; joins of their campaigns get 503 until then',
      remedy:
        'run doctor again in a few seconds: the first number grows while a worker is at it; if it does not, read the finding workers',
    });
  });
}

function judgeEpochs(gates: readonly GateFacts[]): Finding {
  const epochs = present(gates).map((facts) => ({ ...facts, ahead: Number(facts.gate.epoch) - facts.campaign.epoch }));
  const ahead = epochs.filter((it) => it.ahead > 0);
  const behind = epochs.filter((it) => it.ahead < 0);
  if (ahead.length > 0) {
    return broken('gate-epochs', {
      found: `the gate of ${named(ahead)} has a later epoch than the ledger`,
      means: 'the ledger is older than the gate: a backup was restored, and issuances are missing from it',
      remedy:
        'stop the workers and restore the newest ledger; or rebuild the gates from this ledger (sluice reconcile <campaign> --repair), which gives up the missing issuances',
    });
  }
  if (behind.length === 0) return ok('gate-epochs', 'gates and ledger agree');
  return warning('gate-epochs', {
    found: `the gate of ${named(behind)} has an earlier epoch than the ledger`,
    means: 'Redis came back with older data, or a rebuild is under way',
    remedy: 'check that a worker runs, and run doctor again in a minute',
  });
}

function judgeShapes(gates: readonly GateFacts[]): Finding {
  const differs = present(gates).filter(
    ({ gate, campaign }) => Number(gate.shards) !== campaign.shards || Number(gate.buckets) !== campaign.buckets,
  );
  if (differs.length === 0) return ok('gate-shapes', 'gates and ledger have the same shards and buckets');
  return broken('gate-shapes', {
    found: `the gate of ${named(differs)} has other shards or buckets than the ledger`,
    means: 'Sluice looks for tickets and users in the wrong keys: a user may be admitted twice',
    remedy:
      'pause these campaigns, then find out whether Redis or the database was restored; do not change either by hand',
  });
}

function judgeGroups(gates: readonly GateFacts[]): Finding {
  const without = present(gates).filter(({ groups, waiting }) => waiting.count > 0 && groups.includes(undefined));
  if (without.length === 0) return ok('work-groups', 'every work stream from which tickets wait has its group');
  return warning('work-groups', {
    found: `work streams of ${named(without)} have no group issuers`,
    means: 'no worker has received from them yet, or the stream was deleted',
    remedy: 'check that a worker runs: workers make the group, from the first entry on',
  });
}

/** Tickets that wait in these campaigns, and the age of the oldest. */
export function waitingOf(gates: readonly GateFacts[]): { count: number; oldestMs: number } {
  return {
    count: gates.reduce((sum, { waiting }) => sum + waiting.count, 0),
    oldestMs: Math.max(0, ...gates.map(({ waiting }) => waiting.oldestMs ?? 0)),
  };
}

function judgeLag(gates: readonly GateFacts[]): Finding {
  const groups = gates.flatMap((facts) => facts.groups.filter((group) => group !== undefined));
  const lag = groups.reduce((sum, group) => sum + (group.lag ?? 0), 0);
  const untold = groups.filter((group) => group.lag === null).length;
  const { count, oldestMs } = waitingOf(gates);
  const oldest = oldestMs === 0 ? '' : `, the oldest for ${Math.round(oldestMs / 1_000)} s`;
  if (oldestMs > limits.claimIdleMs) {
    const slow = gates.filter(({ waiting }) => (waiting.oldestMs ?? 0) > limits.claimIdleMs);
    return warning('work-lag', {
      found: `${count} ticket(s) wait${oldest}, of ${named(slow)}`,
      means: `workers are ${limits.claimIdleMs / 1_000} s behind or more, or no worker issues tickets`,
      remedy:
        'read the finding workers first, then check the database (sluice_batch_seconds), and only then add workers',
    });
  }
  if (untold === 0) return ok('work-lag', `${count} ticket(s) wait${oldest}; ${lag} entries not delivered yet`);
  return {
    check: 'work-lag',
    status: 'unknown',
    found: `${lag} entries not delivered yet, and Redis does not know the lag of ${untold} stream(s)`,
    means: 'an operator deleted entries, or Redis lost some; an unknown lag is not zero',
    remedy: 'use the backlog that sluice campaign show <campaign> prints',
  };
}

const present = (gates: readonly GateFacts[]) =>
  gates.flatMap(({ gate, ...facts }) => (gate === undefined ? [] : [{ ...facts, gate }]));

const named = (facts: readonly Pick<GateFacts, 'campaign'>[]): string =>
  listed(facts.map(({ campaign }) => campaign.id));
