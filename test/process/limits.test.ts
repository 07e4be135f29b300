// How the limits must stand to each other. All are constants: what holds here holds in every process.
import { expect, test } from 'vitest';
import { limits } from '../../src/process/limits.ts';

const RELATIONS: [string, boolean][] = [
  ['a claim comes after the worst batch', limits.claimIdleMs > limits.statementMs + limits.acquireMs],
  [
    'a read is late before it is claimed',
    limits.receiveMs < limits.readStaleMs && limits.readStaleMs < limits.claimIdleMs,
  ],
  ['a worker reports several times before it is missed', limits.workerReportMs * 3 < limits.workerSilentMs],
  ['a worker is missed before it is forgotten', limits.workerSilentMs < limits.workerForgottenMs],
  ['restarts come to rest before a child counts as well', limits.restartMaxMs < limits.restartStableMs],
  ['a lock wait is of whole seconds', limits.lockWaitMs % 1_000 === 0],
  ['a lock wait ends before its statement', limits.lockWaitMs < limits.statementMs],
  [
    'memory is read more often than it goes stale',
    limits.viewReadMs * 5 <= limits.viewRefusalMs && limits.viewRefusalMs < limits.viewStaleMs,
  ],
  [
    'what was asked of unknown ids is remembered for its time',
    (limits.unknownAsksPerSecond * 2 * limits.unknownViewMs) / 1_000 <= limits.unknownIdsMax,
  ],
  ['a front remembers all that a gate tells', limits.cancelledTagsToldMax <= limits.cancelledTagsMax],
  ['a long-poll is not cut as silent', limits.longPollMaxMs < limits.silentMs],
  ['a gate call ends before the request', limits.gateCallMs < limits.requestMs],
  ['a poller asks within the grace of a rebuild', limits.recoveryGraceMs > limits.pollMaxMs * 1.2],
  ['a long-poll ends before a proxy gives it up', limits.longPollMaxMs < limits.proxySilenceMs],
  ['one user may wait for several tickets', limits.waitsPerTicketMax < limits.waitsPerIdentityMax],
  ['a stream beats three times before a proxy gives it up', limits.heartbeatMs * 3 < limits.proxySilenceMs],
  ['keys are looked for before they are old', limits.signingKeysCooldownMs < limits.signingKeysMaxAgeMs],
  ['the identity provider answers before the request ends', limits.signingKeysFetchMs < limits.requestMs],
  [
    'letters are done before their call ends',
    (limits.lettersPerCallMax / limits.lettersPerSecond) * 1_000 < limits.lettersCallMs,
  ],
  ['a call on letters ends before the request', limits.lettersCallMs < limits.requestMs],
  ['a call is not taken for half done', limits.giveBackMs < limits.halfDoneMs],
  // One barrier may be under way when a join comes; its own begins when that one has ended.
  [
    'a gate call that waits for a replica ends before the request',
    limits.gateCallMs + 2 * limits.replicaWaitMs < limits.requestMs,
  ],
  ['redirects outlast a Cluster failover', limits.redirectMs * limits.redirectsMax > limits.clusterNodeTimeoutMs],
  ['a lease outlasts several renewals', limits.recoveryRenewMs * 3 < limits.recoveryLeaseMs],
  ['a span can name every entry of a batch', limits.traceLinksMax >= limits.workBatchMax],
  ['a drain outlasts a statement', limits.drainMs > limits.statementMs],
];

test.for(RELATIONS)('%s', ([, holds]) => {
  expect(holds, 'see src/process/limits.ts').toBe(true);
});
