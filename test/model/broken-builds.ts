// Builds in which one thing that keeps a promise was taken out, and the scenario that catches each. Whoever mends a finding
// adds here what it takes to undo the mend.
import type { Patch } from '../faults/broken-build.ts';

export interface Broken {
  name: string;
  patches: Patch[];
  /** A part of the name of the scenario that catches it, and the rule that is broken then. */
  scenario: string;
  rule: string;
}

/** A worker may write what it received under an epoch that is over. */
const NO_FENCE: Patch = {
  file: 'src/ledger/issuances.ts',
  from: 'insertRows(batch.ledger, rows, batch.lastUnit, batch.fence)',
  to: 'insertRows(batch.ledger, rows, batch.lastUnit, undefined)',
};

/** A 202 to a DELETE is answered before the ledger knows of it. */
const NO_WISH: Patch = {
  file: 'src/giving-back/give-back.ts',
  from: "(await deps.store.recordWish(given)) === undefined ? 'unaccounted' : 'cancelling'",
  to: "'cancelling'",
};

export const BROKEN: Broken[] = [
  {
    name: 'an INSERT does not ask for cancellations',
    patches: [
      { file: 'src/ledger/issuance-rows.ts', from: 'FROM cancellations WHERE', to: 'FROM cancellations WHERE 0 AND' },
    ],
    scenario: 'a worker whose batch was claimed issues what was given back since',
    rule: 'unit-sold-and-free',
  },
  {
    name: 'an INSERT does not ask for kept letters',
    patches: [
      { file: 'src/ledger/issuance-rows.ts', from: 'FROM dead_letters WHERE', to: 'FROM dead_letters WHERE 0 AND' },
    ],
    scenario: 'that slept issues a ticket that is kept',
    rule: 'row-and-letter',
  },
  {
    name: 'a letter is kept beside a row',
    patches: [{ file: 'src/ledger/dead-letters.ts', from: 'if (instead !== undefined) return instead;', to: '' }],
    scenario: 'one has issued it when the other one keeps',
    rule: 'row-and-letter',
  },
  {
    name: 'a letter is kept in whatever epoch',
    patches: [{ file: 'src/ledger/dead-letters.ts', from: 'current?.epoch !== epoch', to: 'current === undefined' }],
    scenario: 'a letter of a gate that is lost',
    rule: 'unit-sold-and-kept',
  },
  {
    name: 'a retry that ends while its entry is settled does not come again',
    patches: [{ file: 'workers/retrier.ts', from: "outcome.status === 'retrying'", to: "outcome.status === 'lost'" }],
    scenario: 'is issued by its retry before its entry is settled',
    rule: 'no-rest',
  },
  {
    name: 'a letter is kept before its entry is settled',
    patches: [{ file: 'workers/retrier.ts', from: "found.status === 'queued'", to: "found.status === 'lost'" }],
    scenario: 'is discarded before its entry is settled',
    rule: 'no-rest',
  },
  {
    name: 'a 202 to who gives back stands in the gate alone',
    patches: [NO_WISH],
    scenario: 'a DELETE that was answered 202 is forgotten by a rebuild',
    rule: 'wish-forgotten-202',
  },
  {
    name: 'a worker of an older epoch may write rows',
    patches: [NO_FENCE],
    scenario: 'in the hands of a worker is given back by the gate alone',
    rule: 'row-and-cancellation',
  },
  {
    name: 'a ticket that is retried is neither marked nor cancelled when it is given back',
    patches: [
      NO_WISH,
      {
        file: 'lua/cancel.lua',
        from: "    redis.call('HSET', exceptions, field, 'cancelling:')\n",
        to: '',
      },
    ],
    scenario: 'given back while it is retried',
    rule: 'wish-forgotten-202',
  },
  {
    name: 'a rebuild leaves out the letters',
    patches: [
      {
        file: 'src/recovery/rebuild.ts',
        from: 'await deps.ledger.keptHolders(id)',
        to: '(await deps.ledger.keptHolders(id)).slice(0, 0)',
      },
    ],
    scenario: 'kept as a letter outlives a rebuild',
    rule: 'unit-kept-and-above',
  },
  {
    name: 'an entry is acked before its retry is scheduled',
    patches: [
      {
        file: 'workers/issuer.ts',
        from: '    await deps.retries.schedule({ ...ticket, unit, reason: result.reason });\n',
        to: '',
      },
    ],
    scenario: 'given back while it is retried',
    rule: 'no-rest',
  },
  {
    name: 'a worker of an older epoch may write rows, and settle',
    patches: [
      NO_FENCE,
      {
        file: 'lua/settle.lua',
        from: 'epoch_refusal(marks[1] and marks[4], epoch)',
        to: 'epoch_refusal(marks[1] and epoch, epoch)',
      },
    ],
    scenario: 'settled by a worker of the epoch before',
    rule: 'told-issued',
  },
  {
    // Either of both keeps the promise: a builder that takes over goes on in the same epoch.
    name: 'the lease of a recovery is not renewed, and each builder begins again',
    patches: [
      { file: 'src/gate/redis/locks.ts', from: '  }, renewMs);', to: '  }, renewMs * 1_000_000);' },
      {
        file: 'src/recovery/recover.ts',
        from: "state === 'damaged' ? await resume(deps, campaign, lease)",
        to: "state === 'damaged' && lease.token === '' ? await resume(deps, campaign, lease)",
      },
    ],
    scenario: 'takes longer than its lock',
    rule: 'epochs-burn',
  },
  {
    name: 'a rebuild writes the settings that it read before it closed the gate',
    patches: [
      {
        file: 'src/recovery/rebuild.ts',
        from: '  const campaign = await ledger.get(id);',
        to: '  const campaign = { ...before, epoch };',
      },
    ],
    scenario: 'a pause while the gate is rebuilt',
    rule: 'settings-differ',
  },
  {
    name: 'an old gate that was put back keeps its settings',
    patches: [
      {
        file: 'lua/promote.lua',
        from: "if tonumber(version) > tonumber(fields[4] or '0') then",
        to: 'if tonumber(version) > math.huge then',
      },
    ],
    scenario: 'a gate from before a close',
    rule: 'settings-differ',
  },
  {
    name: 'rows of an older epoch, and the unit of a ticket is returned although somebody else has it',
    patches: [
      NO_FENCE,
      { file: 'src/ledger/cancellations.ts', from: 'return row === undefined ? unit : 0;', to: 'return unit;' },
      { file: 'workers/issuer.ts', from: 'unit: 0, reason: renumbered', to: 'unit, reason: renumbered' },
      {
        file: 'workers/retrier.ts',
        from: '=== NO_UNIT_LEFT) ? 0 : job.unit',
        to: '=== NO_UNIT_LEFT) ? job.unit : job.unit',
      },
    ],
    scenario: 'puts that unit up for sale',
    rule: 'unit-sold-and-free',
  },
  {
    name: 'a rebuild leaves the entries of strangers where they are',
    patches: [
      {
        file: 'src/recovery/rebuild.ts',
        from: '    for (const ids of chunks(foreign, USERS_PER_CALL)) await gates.drop(id, build, shard, ids);\n',
        to: '',
      },
    ],
    scenario: 'an entry of a stranger',
    rule: 'gate-stays-shut',
  },
  {
    name: 'rows of an older epoch, and a rebuild reads the cancellations only once',
    patches: [
      NO_FENCE,
      {
        file: 'src/recovery/rebuild.ts',
        from: 'await countCancelledMeanwhile(deps, id, cancelled, census)',
        to: 'cancelled.size',
      },
    ],
    scenario: 'commits between the readings',
    rule: 'unit-sold-and-free',
  },
  {
    name: 'a promoted gate keeps the settings that were read before, on whatever server',
    patches: [
      { file: 'src/recovery/recover.ts', from: 'await deps.gates.project(now)', to: 'undefined' },
      { file: 'lua/promote.lua', from: 'server_run_id() ~= server', to: "server == ''" },
      { file: 'lua/promote.lua', from: "'run_id', server,", to: "'run_id', server_run_id()," },
    ],
    scenario: 'a close that its gate had heard of',
    rule: 'settings-differ',
  },
  {
    name: 'a repair promotes a gate that was not compared yet',
    patches: [
      {
        file: 'src/recovery/recover.ts',
        from: "state === 'unverified' && !repair &&",
        to: "state === 'unverified' &&",
      },
    ],
    scenario: 'a repair of a gate that nobody has compared',
    rule: 'settings-differ',
  },
  {
    name: 'a row that the ledger refuses keeps the unit that was taken for it',
    patches: [
      {
        file: 'src/issuing/renumber.ts',
        from: '        await deps.gate.returnUnit(row.campaign, epoch, unit);\n        return result;',
        to: '        return result;',
      },
    ],
    scenario: 'keeps no unit that was taken for it',
    rule: 'unit-nowhere',
  },
  {
    name: 'a front takes a cancellation for one that stands in every epoch',
    patches: [
      {
        file: 'src/admission/held-tickets.ts',
        from: 'memory?.view.epoch !== epoch',
        to: "body.status !== 'cancelled' && memory?.view.epoch !== epoch",
      },
    ],
    scenario: 'a front goes on telling of a cancellation',
    rule: 'cancellation-and-letter',
  },
  {
    name: 'a rebuild does not write down what the gate alone has cancelled',
    patches: [{ file: 'src/recovery/recover.ts', from: 'if (isOwn && view !== undefined)', to: 'if (false)' }],
    scenario: 'a place that the gate alone has taken back',
    rule: 'admitted-twice',
  },
  {
    name: 'no campaign is put in line',
    patches: [{ file: 'lua/prelude/turns.lua', from: "  redis.call('ZADD', turns, 'NX',", to: '  tostring(' }],
    scenario: 'a ticket that is given out while another one',
    rule: 'no-rest',
  },
  {
    name: 'a campaign is taken out of the line while tickets of it wait',
    patches: [
      {
        file: 'lua/settle.lua',
        from: "redis.call('HINCRBY', gate, 'settled', settled) >= seq",
        to: "redis.call('HINCRBY', gate, 'settled', settled)",
      },
    ],
    scenario: 'a ticket that is given out while another one',
    rule: 'no-rest',
  },
  {
    name: 'nobody compares the lines with the gates',
    patches: [
      { file: 'workers/janitor.ts', from: 'if (isWaiting !== inLine.has(id)) await deps.lines.check(id);', to: '' },
    ],
    scenario: 'a line that somebody deletes',
    rule: 'no-rest',
  },
];
