// Judges a run that has come to rest. It shares no code with the product: it knows the promises, raw facts and the list of
// what happened. What `docs/guarantees.md` does not promise is no finding; each such excuse stands beside its rule.
import { type Facts, gather, type Held } from './facts.ts';
import type { Rest } from './rest.ts';
import type { Service } from './service.ts';

/** A promise that was broken: by which rule, and how, in words. */
export interface Finding {
  rule: string;
  detail: string;
}

interface Evidence extends Facts {
  rest: Rest;
  /** Whether something of this form happened. */
  happened: (event: RegExp) => boolean;
  count: (event: RegExp) => number;
}

type Rule = (evidence: Evidence) => Iterable<Finding>;

export async function judge(service: Service, trace: readonly string[], rest: Rest): Promise<Finding[]> {
  const evidence = {
    ...(await gather(service)),
    rest,
    happened: (event: RegExp) => trace.some((one) => event.test(one)),
    count: (event: RegExp) => trace.filter((one) => event.test(one)).length,
  };
  // What is still on its way is in no place yet.
  return (rest.reached ? RULES : RESTLESS_RULES).flatMap((rule) => [...rule(evidence)]);
}

/** P1: never more than the stock, never two for one. */
function* overIssue({ rows, campaign }: Evidence): Iterable<Finding> {
  const stock = Number(campaign.stock);
  if (rows.length > stock) yield { rule: 'over-issue', detail: `${rows.length} rows for a stock of ${stock}` };
  for (const { unit } of rows)
    if (unit < 1 || unit > stock) yield { rule: 'over-issue', detail: `unit ${unit} of ${stock}` };
  for (const user of repeated(rows.map((row) => row.user)))
    yield { rule: 'over-issue', detail: `${user} has two rows` };
}

/** P8: a gate opens again, and nothing goes on for ever. */
function* unrest({ rest }: Evidence): Iterable<Finding> {
  if (rest.reached) return;
  const isShut = rest.unrest.includes('the gate is shut');
  yield { rule: isShut ? 'gate-stays-shut' : 'no-rest', detail: rest.unrest.join('; ') };
}

/** P8: an epoch is a rare thing; at 65,536 a campaign is beyond repair. */
function* burntEpochs({ campaign, count }: Evidence): Iterable<Finding> {
  const reasons = count(/^(redis|ledger|foreign|crash|sleep|leap|clock|lose|refuse|operator repair)/);
  const epoch = Number(campaign.epoch);
  if (epoch > 3 + 2 * reasons) yield { rule: 'epochs-burn', detail: `epoch ${epoch} after ${reasons} faults` };
}

/** The gate is the ledger's projection. */
function* settings({ campaign, gate }: Evidence): Iterable<Finding> {
  for (const [field, column] of [
    ['version', 'version'],
    ['state', 'state'],
    ['stock', 'stock'],
    ['name', 'name'],
  ] as const) {
    if (gate[field] === String(campaign[column])) continue;
    yield {
      rule: 'settings-differ',
      detail: `${field} is ${String(campaign[column])} in the ledger, ${gate[field]} in the gate`,
    };
  }
}

/** P2: whoever was given a ticket has exactly one of a row, a cancellation and a letter. */
function* debts(evidence: Evidence): Iterable<Finding> {
  const { told, tickets, rows, cancellations, cancelledByGate, letters, jobs, happened } = evidence;
  // A ledger that was itself rewound promises nothing of what it had.
  if (happened(/^ledger put-back/)) return;
  // A place that was given back, and whose row its front did not get to write, is nobody's any more after a rebuild.
  const isToldCancelled = (user: string) =>
    told.findLast((one) => one.user === user && one.question === 'poll')?.body.status === 'cancelled';
  for (const [user, held] of tickets) {
    const isTheirs = (one: Held) =>
      one.user === user || (one.user === null && held.some((ticket) => sameName(ticket, one)));
    const facts = [
      rows.some(isTheirs) && 'row',
      // Written into the ledger when its holder asks again; until then only the gate knows.
      (cancellations.some(isTheirs) || cancelledByGate.has(user) || isToldCancelled(user)) && 'cancellation',
      (letters.some(isTheirs) || jobs.some(isTheirs)) && 'letter',
    ].filter((fact) => fact !== false);
    if (facts.length === 0) yield { rule: 'debt-lost', detail: `${user} was given a ticket and has nothing` };
    if (facts.length > 1) yield { rule: facts.join('-and-'), detail: `${user} has both` };
  }
}

/** A unit is in exactly one place. */
function* places(evidence: Evidence): Iterable<Finding> {
  const { campaign, gate, rows, free, letters, jobs, waiting, happened } = evidence;
  const stock = Math.min(Number(campaign.stock), Number(gate.stock));
  for (let unit = 1; unit <= stock; unit += 1) {
    const isIts = (one: Held) => one.unit === unit;
    const found = [
      ...rows.filter(isIts).map(() => 'sold'),
      ...waiting.filter(isIts).map(() => 'waiting'),
      ...[...letters, ...jobs].filter(isIts).map(() => 'kept'),
      ...free.filter((one) => one === unit).map(() => 'free'),
      ...(unit > Number(gate.next_unit) ? ['above'] : []),
    ];
    if (found.length > 1) yield { rule: `unit-${found.join('-and-')}`, detail: `unit ${unit}` };
    // A worker that dies while it gives a ticket another unit leaves that one unsold.
    const mayBeNowhere = happened(/^(crash w|lose|refuse|sleep w)/);
    if (found.length === 0 && !mayBeNowhere) yield { rule: 'unit-nowhere', detail: `unit ${unit}` };
  }
}

/** What clients are told is what stands. */
function* truth({ told, rows, happened }: Evidence): Iterable<Finding> {
  if (happened(/^ledger put-back/)) return;
  for (const [user, answers] of Map.groupBy(told, (one) => one.user)) {
    const last = answers.findLast(({ question, status }) => question === 'poll' && status === 200);
    if (last === undefined) continue;
    const row = rows.find((one) => one.user === user);
    const { status, issuance } = last.body;
    if (status === 'issued' && row?.unit !== issuance?.unit) {
      yield { rule: 'told-issued', detail: `${user} is told unit ${issuance?.unit}, the ledger has ${row?.unit}` };
    }
    if (status === 'cancelled' && row !== undefined) yield { rule: 'told-cancelled', detail: `${user} has a row` };
    if (status === 'failed' && row !== undefined) yield { rule: 'told-failed', detail: `${user} has a row` };
  }
}

/** Who gave back, and was answered 200 or 202, is never issued. */
function* wishes({ told, rows, cancellations, happened }: Evidence): Iterable<Finding> {
  if (happened(/^ledger put-back/)) return;
  for (const { user, question, status } of told) {
    if (question !== 'give-back' || (status !== 200 && status !== 202)) continue;
    const isDone = cancellations.some((one) => one.user === user);
    const isIssued = rows.some((one) => one.user === user);
    if (isIssued && !isDone) yield { rule: `wish-forgotten-${status}`, detail: `${user} gave back and is issued` };
    else if (!isDone) yield { rule: 'wish-lost', detail: `${user} gave back (${status}), and no cancellation says so` };
  }
}

/** P4: who holds a ticket is told so, and has the same one for ever. */
function* askingAgain({ told, cancellations, cancelledByGate, happened }: Evidence): Iterable<Finding> {
  // Who joins again after Redis lost the ticket is a new buyer.
  if (happened(/^redis (flush|put-back)|^ledger put-back/)) return;
  const given = new Map<string, { ticket: string; step: number }>();
  for (const answer of told.filter(({ question }) => question === 'join')) {
    const { user, status, body, askedAtStep, step } = answer;
    const before = given.get(user);
    const isRefused = status === 409 || status === 410 || status === 404 || /paused/.test(body.type ?? '');
    if (before !== undefined && before.step < askedAtStep && isRefused) {
      yield { rule: 'holder-refused', detail: `${user}: ${status} ${body.type}` };
    }
    if (body.ticket === undefined || status > 299) continue;
    if (before !== undefined && before.ticket !== body.ticket && status === 202) {
      yield { rule: 'admitted-twice', detail: `${user} was given two tickets` };
    }
    // The ledger does not know when a cancelled ticket was admitted, and the time is part of the text.
    const isCancelled = cancellations.some((one) => one.user === user) || cancelledByGate.has(user);
    if (before !== undefined && before.ticket !== body.ticket && status === 200 && !isCancelled) {
      yield { rule: 'another-ticket', detail: `${user} was told another ticket` };
    }
    if (before === undefined) given.set(user, { ticket: body.ticket, step });
  }
}

const RESTLESS_RULES: Rule[] = [overIssue, unrest, burntEpochs, askingAgain];
const RULES: Rule[] = [...RESTLESS_RULES, settings, debts, places, truth, wishes];

const sameName = (one: Held, other: Held): boolean => one.epoch === other.epoch && one.seq === other.seq;

const repeated = <T>(values: readonly T[]): Set<T> =>
  new Set(values.filter((value, index) => values.indexOf(value) !== index));
